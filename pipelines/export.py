"""Simulated telemetry as plain files, for use elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipelines.errors import BadInput
from pipelines.source import SimulatedSource
from telemetry_sim import simulate_days


def export_telemetry(source: SimulatedSource, folder: Path) -> Iterator[tuple[Path, int]]:
    """Writes one Parquet file per table and day.

    Yields:
        Each file as it is written, and its row count.

    Raises:
        BadInput: The folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for day, made in simulate_days(source.settings, source.day_count):
            frames: dict[str, pl.DataFrame] = {
                "model_calls": made.model_calls,
                "tool_calls": made.tool_calls,
                "sessions": made.sessions,
            }
            for table, frame in frames.items():
                path = folder / f"{table}_{day}.parquet"
                frame.write_parquet(path)
                yield path, frame.height
    except OSError as error:
        raise BadInput(f"{folder} cannot take the files: {error.strerror}; name another folder with --out") from error
