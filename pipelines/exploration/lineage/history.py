"""Tables that look back over days, as the report takes them: as of the last day, or with why they have no rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from featurize.context_trend import MIN_DAYS as CONTEXT_DAYS
from featurize.drift.features import SESSION_FEATURES
from featurize.drift.trends import MIN_DAYS as TREND_DAYS
from featurize.drift.two_sample import MIN_REFERENCE_DAYS
from pipelines.lake_days import read_days
from warehouse.lake import Lake

TABLES_AS_OF_A_DAY = (
    "abandonment_thresholds",
    "context_trend",
    "workload_drift",
    "emerging_workloads",
    "demand_forecast",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededDays:
    """How much history a table needs, and what else is missing where there is so much."""

    count: int
    otherwise: str


NEEDED: Mapping[str, NeededDays] = {
    "context_trend": NeededDays(
        count=CONTEXT_DAYS, otherwise=f"no surface reports prompt lengths on {CONTEXT_DAYS} days"
    ),
    "workload_drift": NeededDays(
        count=MIN_REFERENCE_DAYS + 1,
        otherwise=f"drift needs {MIN_REFERENCE_DAYS} earlier days of the same kind (working day or weekend) with "
        "enough sessions",
    ),
    "emerging_workloads": NeededDays(count=TREND_DAYS, otherwise="there are too few days with sessions"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Frames by table, and the reason by table that has no rows."""

    frames: Mapping[str, pl.DataFrame]
    lacking: dict[str, str]


def history_of(lake: Lake, days: Sequence[date]) -> History:
    """The tables as of the last of these days.

    Args:
        lake: The data set; days before those of the run count as history.
        days: The run's.
    """
    last = max(days)
    frames = {table: read_days(lake, table, [last]).collect() for table in TABLES_AS_OF_A_DAY}
    words = {name: feature.words for name, feature in SESSION_FEATURES.items()}
    drift = frames["workload_drift"]
    named = pl.col("feature").replace(words).alias("words")
    frames["workload_drift"] = drift.with_columns(named)
    known_count = sum(day <= last for day in lake.days("workload_mix"))
    lacking = {table: reason(table, known_count) for table in NEEDED if frames[table].is_empty()}
    return History(frames=frames, lacking=lacking)


def reason(table: str, known_count: int) -> str:
    """Why a table has no rows with so many days of history."""
    needed = NEEDED[table]
    if known_count < needed.count:
        return f"it takes {needed.count} days of telemetry, and there {_are(known_count)}"
    return needed.otherwise


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"
