"""Feature assets: what the telemetry of a day means. Each is one function of `featurize` on the day's calls."""

from collections.abc import Callable
from datetime import date

import dagster as dg
import polars as pl

import featurize
from pipelines.assets.spec import LAKE_POOL, table_asset, table_checks
from pipelines.checks import demand_tokens_conserved
from pipelines.partitions import daily, day_of
from pipelines.policy import serving_policy
from pipelines.recording import Materialized, io_retried, record_day
from pipelines.resources import LakeResource, LoopResource, SourceResource
from pipelines.telemetry_days import TelemetryDays, days_of_sessions_at, telemetry_around, telemetry_of_sessions
from warehouse.lake import Lake

Feature = Callable[[TelemetryDays], pl.LazyFrame]


def feature_asset(table: str, *, deps: tuple[str, ...]) -> Callable[[Callable[..., object]], dg.AssetsDefinition]:
    """Decorator of the asset that writes a feature table."""
    return dg.multi_asset(
        name=table,
        specs=[table_asset(table, deps=deps)],
        check_specs=table_checks(table),
        partitions_def=daily,
        pool=LAKE_POOL,
    )


def feature_day(context: dg.AssetExecutionContext, lake: LakeResource, table: str, feature: Feature) -> Materialized:
    """One day of a feature table."""
    day = day_of(context.partition_key)
    with io_retried(context), lake.opened() as tables:
        frame = feature(telemetry_around(tables, day)).filter(pl.col("day") == day)
        return record_day(tables, table, frame, day)


@feature_asset("session_features", deps=("model_calls", "tool_calls", "sessions"))
def session_features(context: dg.AssetExecutionContext, lake: LakeResource) -> Materialized:
    """Size of each session and where its time went; sessions that ran past midnight rewrite the day they began."""
    with io_retried(context), lake.opened() as tables:
        days = days_of_sessions_at(tables, day_of(context.partition_key))
        context.log.info("rewriting the sessions that began on %s", ", ".join(map(str, days)))
        return [_sessions_begun_on(tables, day) for day in days][-1]


def _sessions_begun_on(lake: Lake, day: date) -> Materialized:
    around = telemetry_of_sessions(lake, day)
    frame = featurize.session_features(around.calls, around.tools, around.sessions)
    return record_day(lake, "session_features", frame, day)


@feature_asset("wait_profile", deps=("model_calls", "tool_calls"))
def wait_profile(context: dg.AssetExecutionContext, lake: LakeResource) -> Materialized:
    """Where users wait: seconds by surface, phase, context band and kind of wait."""
    return feature_day(context, lake, "wait_profile", lambda seen: featurize.wait_profile(seen.calls, seen.tools))


@feature_asset("stall_profile", deps=("model_calls", "tool_calls"))
def stall_profile(context: dg.AssetExecutionContext, lake: LakeResource) -> Materialized:
    """Where agents stall: model, tool, queue, cache miss or rate limit."""
    return feature_day(context, lake, "stall_profile", lambda seen: featurize.stall_profile(seen.calls, seen.tools))


@feature_asset("abandonment_curve", deps=("model_calls", "sessions"))
def abandonment_curve(context: dg.AssetExecutionContext, lake: LakeResource) -> Materialized:
    """Which latency makes people leave."""
    return feature_day(
        context, lake, "abandonment_curve", lambda seen: featurize.abandonment_curve(seen.calls, seen.sessions)
    )


@feature_asset("context_growth", deps=("model_calls",))
def context_growth(context: dg.AssetExecutionContext, lake: LakeResource) -> Materialized:
    """How prompts grow by turn or step."""
    return feature_day(context, lake, "context_growth", lambda seen: featurize.context_growth(seen.calls))


@feature_asset("workload_mix", deps=("model_calls",))
def workload_mix(context: dg.AssetExecutionContext, lake: LakeResource) -> Materialized:
    """The workload card: volume and percentiles by surface."""
    return feature_day(context, lake, "workload_mix", lambda seen: featurize.workload_mix(seen.calls))


@feature_asset("prefix_reuse", deps=("model_calls",))
def prefix_reuse(context: dg.AssetExecutionContext, lake: LakeResource) -> Materialized:
    """What of the prompts is shared, what the cache kept of it, and what the rest cost."""
    return feature_day(context, lake, "prefix_reuse", lambda seen: featurize.prefix_reuse(seen.calls))


@feature_asset("demand_calls", deps=("model_calls", "sessions"))
def demand_calls(
    context: dg.AssetExecutionContext, lake: LakeResource, source: SourceResource, loop: LoopResource
) -> Materialized:
    """What users asked for, freed of how the incumbent served it: the replay's only input."""
    policy, seed, day = serving_policy(llm=loop.llm or None), source.seed, day_of(context.partition_key)
    with io_retried(context), lake.opened() as tables:
        seen = telemetry_around(tables, day)
        frame = featurize.demand_calls(seen.calls, policy.lazy(), seen.sessions, seed=seed)
        of_day, calls = frame.filter(pl.col("day") == day), seen.calls.collect()

        def conserved(rows: pl.DataFrame) -> list[dg.AssetCheckResult]:
            return [demand_tokens_conserved(rows, calls)]

        return record_day(tables, "demand_calls", of_day, day, seed=seed, invariants=conserved)
