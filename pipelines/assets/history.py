"""Feature assets that look back over days: thresholds, drift, what emerges, what is coming."""

from collections.abc import Callable
from datetime import date, timedelta

import dagster as dg
import polars as pl

import featurize
from pipelines.assets.features import feature_asset
from pipelines.lake_days import read_days
from pipelines.partitions import day_of
from pipelines.recording import Materialized, io_retried, record_day
from pipelines.resources import LakeResource
from pipelines.tables import TABLES
from warehouse.lake import Lake

HISTORY_DAYS = 56
"""Days that drift, trends and forecasts look back: eight of each weekday."""

REFERENCE_DAYS = 28
"""Days that a day is compared with."""

THRESHOLD_DAYS = 7
"""Days whose waits are pooled for the thresholds of abandonment."""

HORIZON_DAYS = 7
"""How far ahead the forecast looks."""

OfHistory = Callable[[Lake, date], pl.DataFrame]


def days_until(day: date, count: int) -> list[date]:
    """The last so many days, in order."""
    return [day - timedelta(days=number) for number in range(count - 1, -1, -1)]


def history_day(context: dg.AssetExecutionContext, lake: LakeResource, table: str, feature: OfHistory) -> Materialized:
    """One day of a table that looks back; without rows, and with a line in the log, where history is too short."""
    day = day_of(context.partition_key)
    with io_retried(context), lake.opened() as tables:
        try:
            frame = feature(tables, day)
        except (featurize.HistoryTooShortError, featurize.NoCallsError) as error:
            context.log.info("no %s for %s: %s", table, day, error)
            frame = pl.DataFrame(schema=TABLES[table].schema.create_empty().schema)
        return record_day(tables, table, frame.with_columns(day=pl.lit(day)), day)


def _thresholds(lake: Lake, day: date) -> pl.DataFrame:
    days = days_until(day, THRESHOLD_DAYS)
    sessions = read_days(lake, "sessions", days_until(day, 2 * THRESHOLD_DAYS))
    return featurize.abandonment_thresholds(read_days(lake, "model_calls", days), sessions)


def _drift(lake: Lake, day: date) -> pl.DataFrame:
    return featurize.workload_drift(
        read_days(lake, "session_features", days_until(day, REFERENCE_DAYS + 1)), recent_from=day
    )


def _emerging(lake: Lake, day: date) -> pl.DataFrame:
    days = days_until(day, REFERENCE_DAYS)
    return featurize.emerging_workloads(
        read_days(lake, "session_features", days), read_days(lake, "workload_mix", days), day=day
    )


def _context_trend(lake: Lake, day: date) -> pl.DataFrame:
    mix = read_days(lake, "workload_mix", days_until(day, REFERENCE_DAYS))
    return featurize.context_trend(mix, horizon_days=HORIZON_DAYS)


def _forecast(lake: Lake, day: date) -> pl.DataFrame:
    mix = read_days(lake, "workload_mix", days_until(day, HISTORY_DAYS))
    return featurize.demand_forecast(mix, horizon_days=HORIZON_DAYS)


@feature_asset("abandonment_thresholds", deps=("model_calls", "sessions"))
def abandonment_thresholds(context: dg.AssetExecutionContext, lake: LakeResource) -> Materialized:
    """The latencies at which people begin to leave faster."""
    return history_day(context, lake, "abandonment_thresholds", _thresholds)


@feature_asset("context_trend", deps=("workload_mix",))
def context_trend(context: dg.AssetExecutionContext, lake: LakeResource) -> Materialized:
    """How fast prompts grow from day to day."""
    return history_day(context, lake, "context_trend", _context_trend)


@feature_asset("workload_drift", deps=("session_features",))
def workload_drift(context: dg.AssetExecutionContext, lake: LakeResource) -> Materialized:
    """Which features of sessions differ from the weeks before."""
    return history_day(context, lake, "workload_drift", _drift)


@feature_asset("emerging_workloads", deps=("session_features", "workload_mix"))
def emerging_workloads(context: dg.AssetExecutionContext, lake: LakeResource) -> Materialized:
    """Surfaces that grow and kinds of session that were rare before."""
    return history_day(context, lake, "emerging_workloads", _emerging)


@feature_asset("demand_forecast", deps=("workload_mix",))
def demand_forecast(context: dg.AssetExecutionContext, lake: LakeResource) -> Materialized:
    """What is coming in a week, as scales on today's demand."""
    return history_day(context, lake, "demand_forecast", _forecast)
