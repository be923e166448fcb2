"""The telemetry around a day, as features need it: a call's predecessor may lie on an earlier day."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from pipelines.lake_days import read_days
from warehouse.lake import Lake

REACH_DAYS = 7
"""Sessions are followed over midnight for this many days; public traces of agents last up to six."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryDays:
    """Calls, tools and sessions of a run of days, in order of session and step."""

    calls: pl.LazyFrame
    tools: pl.LazyFrame
    sessions: pl.LazyFrame


def telemetry_around(lake: Lake, day: date) -> TelemetryDays:
    """A day and the day before it; what is computed on it must be cut to the day."""
    return _telemetry(lake, [day - timedelta(days=1), day], sessions_from=day - timedelta(days=REACH_DAYS))


def telemetry_of_sessions(lake: Lake, day: date) -> TelemetryDays:
    """The sessions that started on a day, and whatever of their calls and tools is in the lake."""
    days = [day + timedelta(days=number) for number in range(REACH_DAYS + 1)]
    found = _telemetry(lake, days, sessions_from=day)
    sessions = found.sessions.filter(pl.col("day") == day)
    mine = sessions.select("session_id")
    return TelemetryDays(
        calls=found.calls.join(mine, on="session_id", how="semi", maintain_order="left"),
        tools=found.tools.join(mine, on="session_id", how="semi", maintain_order="left"),
        sessions=sessions,
    )


def days_of_sessions_at(lake: Lake, day: date) -> list[date]:
    """Days on which the sessions started that were still running on a day, that day included, in order."""
    earlier = [day - timedelta(days=number) for number in range(REACH_DAYS, 0, -1)]
    running = read_days(lake, "sessions", earlier).filter(pl.col("ended_at").dt.date() >= day)
    return [*running.select(pl.col("day").unique().sort()).collect()["day"], day]


def _telemetry(lake: Lake, days: list[date], *, sessions_from: date) -> TelemetryDays:
    last = max(days)
    session_days = [sessions_from + timedelta(days=number) for number in range((last - sessions_from).days + 1)]
    return TelemetryDays(
        calls=read_days(lake, "model_calls", days),
        tools=read_days(lake, "tool_calls", days),
        sessions=read_days(lake, "sessions", session_days),
    )
