"""Simulated telemetry as plain files, for use elsewhere: tables as Parquet, calls as a load file for a real server."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, time
from pathlib import Path

import polars as pl

from pipelines.errors import BadInput
from pipelines.source import SimulatedSource
from telemetry_sim import TelemetryDay, simulate_days
from telemetry_sim.export import LoadFormat, LoadWriter


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
        BadInput: The folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as files:
            load = None
            if load_format:
                path = folder / f"load_{load_format.value}.jsonl"
                origin = datetime.combine(source.settings.first_day, time(), tzinfo=UTC)
                file = files.enter_context(path.open("wb"))
                load = LoadWriter(load_format=load_format, origin=origin, file=file)
            for day, made in simulate_days(source.settings, source.day_count):
                if tables:
                    yield from _write_tables(folder, day.isoformat(), made)
                if load:
                    load.write(made.model_calls)
        if load:
            yield path, load.line_count
    except OSError as error:
        raise BadInput(f"{folder} cannot take the files: {error.strerror}; name another folder with --out") from error


def _write_tables(folder: Path, day: str, made: TelemetryDay) -> Iterator[tuple[Path, int]]:
    frames: dict[str, pl.DataFrame] = {
        "model_calls": made.model_calls,
        "tool_calls": made.tool_calls,
        "sessions": made.sessions,
    }
    for table, frame in frames.items():
        path = folder / f"{table}_{day}.parquet"
        frame.write_parquet(path)
        yield path, frame.height
