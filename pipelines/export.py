"""Simulated telemetry as plain files, for use elsewhere: tables as Parquet, calls as a load file for a real server."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime, time
from pathlib import Path

import polars as pl

from pipelines.errors import BadInput
from pipelines.source import SimulatedSource
from telemetry_sim import TelemetryDay, simulate_days
from telemetry_sim.export import LoadFormat, LoadWriter

Frames = Mapping[str, pl.DataFrame]
"""Rows of one day by the name of their table."""


def export_telemetry(
    source: SimulatedSource, folder: Path, *, load_format: LoadFormat | None = None, tables: bool = True
) -> Iterator[tuple[Path, int]]:
    """Writes one Parquet file per table and day, and a load file of all days.

    Args:
        source: What to simulate.
        folder: Takes the files; made if it is not there.
        load_format: Format of the load file; none is written without. Its times count from the first day's midnight.
        tables: Whether the Parquet files are written.

    Yields:
        Each file as it is written, and its row count; the load file comes last.

    Raises:
        BadInput: The folder cannot be made or written, or the measured latencies cannot be read.
    """
    simulated = simulate_days(source.settings, source.day_count, latency=source.latency())
    days = ((day, tables_of(made)) for day, made in simulated)
    yield from write_days(days, folder, first_day=source.settings.first_day, load_format=load_format, tables=tables)


def tables_of(made: TelemetryDay) -> Frames:
    """The frames of a day by the name of their table."""
    return {"model_calls": made.model_calls, "tool_calls": made.tool_calls, "sessions": made.sessions}


def write_days(
    days: Iterable[tuple[date, Frames]], folder: Path, *, first_day: date, load_format: LoadFormat | None, tables: bool
) -> Iterator[tuple[Path, int]]:
    """Writes days as they come; arguments and errors are those of `export_telemetry`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as files:
            load = None
            if load_format:
                path = folder / f"load_{load_format.value}.jsonl"
                origin = datetime.combine(first_day, time(), tzinfo=UTC)
                load = LoadWriter(load_format=load_format, origin=origin, file=files.enter_context(path.open("wb")))
            for day, frames in days:
                for table, frame in frames.items() if tables else ():
                    file = folder / f"{table}_{day.isoformat()}.parquet"
                    frame.write_parquet(file)
                    yield file, frame.height
                if load:
                    load.write(frames["model_calls"])
        if load:
            yield path, load.line_count
    except OSError as error:
        raise BadInput(f"{folder} cannot take the files: {error.strerror}; name another folder with --out") from error
