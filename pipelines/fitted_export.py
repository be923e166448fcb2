"""A fitted surface played to plain files: tables of the lake as Parquet, calls as a load file for a real server."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipelines.export import write_days
from telemetry_sim.export import LoadFormat
from telemetry_sim.fitted import load_fitted, simulate_fitted
from warehouse.contracts import ModelCalls, Sessions, ToolCalls


def export_fitted(
    parameters: Path, folder: Path, *, seed: int, load_format: LoadFormat | None = None, tables: bool = True
) -> Iterator[tuple[Path, int]]:
    """Plays a fitted surface once, as long and as large as the trace it was fitted to.

    Args:
        parameters: Parameter file of `scoville fit`.
        folder: Takes the files; made if it is not there.
        seed: Root of all draws.
        load_format: Format of the load file; none is written without. Its times count from the first day's midnight.
        tables: Whether the Parquet files are written, one per table and day.

    Yields:
        Each file as it is written, and its row count; the load file comes last.

    Raises:
        ParameterError: The file holds no fitted surface.
        BadInput: The folder cannot be made or written.
    """
    calls = ModelCalls.validate(simulate_fitted(load_fitted(parameters), seed=seed), cast=True)
    frames = {"model_calls": calls, "tool_calls": ToolCalls.create_empty(), "sessions": sessions_of(calls)}
    days = calls["day"].unique().sort().to_list()
    parts = ((day, {name: frame.filter(pl.col("day") == day) for name, frame in frames.items()}) for day in days)
    yield from write_days(parts, folder, first_day=days[0], load_format=load_format, tables=tables)


def sessions_of(calls: pl.DataFrame) -> pl.DataFrame:
    """The sessions of a play; a call without a duration ends when it was requested. Columns of `Sessions`."""
    spent = pl.duration(microseconds=(pl.col("duration_s").fill_null(0.0) * 1e6).round().cast(pl.Int64))
    constants = ("surface", "tenant_id", "client_id", "region", "service_tier", "source_id")
    found = calls.group_by("session_id", maintain_order=True).agg(
        pl.col(*constants).first(),
        started_at=pl.col("requested_at").min(),
        ended_at=(pl.col("requested_at") + spent).max(),
        turn_count=pl.col("turn_id").n_unique(),
        call_count=pl.len(),
    )
    told = found.with_columns(
        outcome=pl.lit(None), paid=pl.lit(None, dtype=pl.Boolean), day=pl.col("started_at").dt.date()
    )
    return Sessions.validate(told.select(*Sessions.column_names()), cast=True)
