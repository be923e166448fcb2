"""The telemetry that the feature benchmark reads: one simulated day, repeated as days of their own, as Parquet."""

from datetime import timedelta
from pathlib import Path

import polars as pl

from pipelines.policy import serving_policy
from telemetry_sim import SimulationSettings, simulate_day

_IDS = frozenset(
    {
        "call_id",
        "session_id",
        "parent_call_id",
        "starts_after_call_id",
        "tool_call_id",
        "agent_id",
        "parent_agent_id",
    }
)
_TIMES = frozenset({"requested_at", "started_at", "ended_at", "day"})


def write_days(folder: Path, *, calls_per_day: int, days_count: int) -> int:
    """Simulate a day and write copies of it, each a day later and with ids of its own; returns the number of calls."""
    settings = SimulationSettings(calls_per_day=calls_per_day)
    day = simulate_day(settings, settings.first_day)
    serving_policy().write_parquet(folder / "policy.parquet")
    for number in range(days_count):
        for name, frame in (("calls", day.model_calls), ("tools", day.tool_calls), ("sessions", day.sessions)):
            copy_of_day(pl.DataFrame(frame), number).write_parquet(folder / f"{name}-{number:03}.parquet")
    return len(day.model_calls) * days_count


def copy_of_day(frame: pl.DataFrame, number: int) -> pl.DataFrame:
    """The same rows, `number` days later, with ids that no other copy has."""
    ids = [pl.col(name) + f"~{number}" for name in frame.columns if name in _IDS]
    times = [pl.col(name) + timedelta(days=number) for name in frame.columns if name in _TIMES]
    return frame.with_columns(*ids, *times)
