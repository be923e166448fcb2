"""Small frames of calls for the tests of load files."""

from datetime import UTC, datetime, timedelta

import polars as pl

MIDNIGHT = datetime(2026, 6, 2, tzinfo=UTC)
DEFAULTS: dict[str, object] = {
    "session_id": "s",
    "agent_id": None,
    "input_tokens": 1000,
    "output_tokens": 100,
    "duration_s": 2.0,
    "status": "ok",
    "parent_call_id": None,
    "shared_prefix_tokens": 0,
}
SCHEMA = {
    "call_id": pl.String,
    "at_s": pl.Float64,
    "session_id": pl.String,
    "agent_id": pl.String,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "duration_s": pl.Float64,
    "status": pl.String,
    "parent_call_id": pl.String,
    "shared_prefix_tokens": pl.Int64,
}


def calls_of(*rows: dict[str, object]) -> pl.DataFrame:
    """Calls with the columns that a load file needs; `at_s` counts from midnight."""
    frame = pl.DataFrame([{**DEFAULTS, **row} for row in rows], schema=SCHEMA)
    return frame.with_columns(
        requested_at=(pl.lit(MIDNIGHT) + pl.duration(microseconds=pl.col("at_s") * 1e6)).dt.cast_time_unit("us")
    )


def later(seconds: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)
