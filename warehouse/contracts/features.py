"""Contracts of the feature tables: what the telemetry means."""

import dataframely as dy
import polars as pl

from warehouse.contracts.vocabulary import SERVICE_TIERS, SURFACES


class SessionFeatures(dy.Schema):
    """One row per session: its size, and where its time went (shares of the session's span)."""

    session_id = dy.String(primary_key=True)
    surface = dy.Enum(SURFACES)
    service_tier = dy.Enum(SERVICE_TIERS)
    started_at = dy.Datetime(time_zone="UTC", time_unit="us")
    span_s = dy.Float64(min=0.0)
    turn_count = dy.Int64(min=1)
    call_count = dy.Int64(min=1)
    first_input_tokens = dy.Int64(nullable=True)
    last_input_tokens = dy.Int64(nullable=True)
    peak_input_tokens = dy.Int64(nullable=True)
    output_tokens = dy.Int64(nullable=True)
    shared_ratio = dy.Float64(nullable=True)
    """Shared prefix tokens over all input tokens, first calls included."""
    queue_s = dy.Float64(nullable=True)
    prefill_s = dy.Float64(nullable=True)
    decode_s = dy.Float64(nullable=True)
    service_s = dy.Float64(nullable=True)
    """Time inside calls that do not tell their first token: queue, prefill and decode undivided."""
    tool_s = dy.Float64(nullable=True)
    human_s = dy.Float64(nullable=True)
    cut_count = dy.Int64(min=0)
    """Calls that did not end with status ok."""
    outcome = dy.String(nullable=True)
    paid = dy.Bool(nullable=True)
    day = dy.Date()


class WaitProfile(dy.Schema):
    """Where users wait: seconds by surface, agent phase, context band and kind of wait."""

    surface = dy.Enum(SURFACES, primary_key=True)
    phase = dy.String(primary_key=True)
    context_band = dy.String(primary_key=True)
    wait = dy.Enum(("queue", "prefill", "decode", "service", "tool", "human"), primary_key=True)
    """`service` is the time inside calls that do not tell their first token: queue, prefill and decode undivided."""
    day = dy.Date(primary_key=True)
    call_count = dy.Int64(min=0)
    total_s = dy.Float64(min=0.0)
    p50_s = dy.Float64(min=0.0, nullable=True)
    p95_s = dy.Float64(min=0.0, nullable=True)


class StallProfile(dy.Schema):
    """Where agents stall: time of long gaps and long calls by cause."""

    surface = dy.Enum(SURFACES, primary_key=True)
    cause = dy.Enum(("model", "tool", "queue", "cache_miss", "rate_limit"), primary_key=True)
    day = dy.Date(primary_key=True)
    stall_count = dy.Int64(min=0)
    stalled_s = dy.Float64(min=0.0)
    share_ratio = dy.Float64(min=0.0, max=1.0)
    """Of all stalled time of the surface on that day."""


class AbandonmentCurve(dy.Schema):
    """How long people go on waiting for a first token, and how often a call answered after such a wait is left."""

    surface = dy.Enum(SURFACES, primary_key=True)
    wait_low_s = dy.Float64(primary_key=True, min=0.0)
    wait_high_s = dy.Float64(nullable=True)
    day = dy.Date(primary_key=True)
    at_risk_count = dy.Int64(min=0)
    """Calls whose wait reached the band."""
    answered_count = dy.Int64(min=0)
    """Calls whose wait ended in the band otherwise than by leaving: these are censored there."""
    left_count = dy.Int64(min=0)
    """Sessions abandoned at a call in the band, before its first token or at its answer."""
    left_waiting_count = dy.Int64(min=0)
    """Of those, before the first token."""
    hazard_ratio = dy.Float64(min=0.0, max=1.0)
    """left / at risk."""
    hazard_low_ratio = dy.Float64(min=0.0, max=1.0)
    hazard_high_ratio = dy.Float64(min=0.0, max=1.0)
    """Wilson 95 % interval."""
    survival_ratio = dy.Float64(min=0.0, max=1.0)
    """Share of people who would still wait at the end of the band if no answer came."""
    survival_low_ratio = dy.Float64(min=0.0, max=1.0)
    survival_high_ratio = dy.Float64(min=0.0, max=1.0)
    """95 % interval from Greenwood's variance."""
    leave_ratio = dy.Float64(min=0.0, max=1.0)
    """Chance that a call whose first token comes in the band is left, before or at its answer."""
    leave_low_ratio = dy.Float64(min=0.0, max=1.0)
    leave_high_ratio = dy.Float64(min=0.0, max=1.0)


class AbandonmentThresholds(dy.Schema):
    """Waits for the first token from which people leave faster, the clearest of a surface first."""

    surface = dy.Enum(SURFACES, primary_key=True)
    rank = dy.Int64(primary_key=True, min=1)
    day = dy.Date(primary_key=True)
    """Last day of those that were looked at."""
    moment = dy.Enum(("waiting", "answered"))
    """Whether people leave while they wait or at the answer that came late."""
    threshold_s = dy.Float64(min=0.0)
    threshold_low_s = dy.Float64(min=0.0)
    threshold_high_s = dy.Float64(min=0.0)
    """95 % interval of the place."""
    before_ratio = dy.Float64(min=0.0, max=1.0)
    """Chance of leaving within a second (waiting) or at the answer (answered), before the threshold."""
    after_ratio = dy.Float64(min=0.0, max=1.0)
    left_count = dy.Int64(min=0)
    """People who left from there on."""
    p_value_ratio = dy.Float64(min=0.0, max=1.0)
    """Chance of so clear a rise if there were none."""

    @classmethod
    def _sampling_overrides(cls) -> dict[str, pl.Expr]:
        at = pl.col("threshold_s")
        return {
            "before_ratio": pl.col("after_ratio") / 2,
            "threshold_low_s": at / 2,
            "threshold_high_s": at * 2,
        }

    @dy.rule()
    def hazard_rises(cls) -> pl.Expr:
        """A threshold is a rise."""
        return pl.col("after_ratio") > pl.col("before_ratio")

    @dy.rule()
    def threshold_inside_its_interval(cls) -> pl.Expr:
        """The place lies inside its interval."""
        return pl.col("threshold_s").is_between("threshold_low_s", "threshold_high_s")


class ContextGrowth(dy.Schema):
    """Input tokens by turn (or step for agents) and day."""

    surface = dy.Enum(SURFACES, primary_key=True)
    step_band = dy.String(primary_key=True)
    step_order = dy.Int64(min=0)
    day = dy.Date(primary_key=True)
    call_count = dy.Int64(min=0)
    input_p50_tokens = dy.Float64(nullable=True)
    input_p90_tokens = dy.Float64(nullable=True)
    added_p50_tokens = dy.Float64(nullable=True)
    """Prompt tokens that are not shared with an earlier call: what a step or turn adds; null without lineage."""
    added_p90_tokens = dy.Float64(nullable=True)


class WorkloadMix(dy.Schema):
    """The workload card: volume and percentiles by surface and day."""

    surface = dy.Enum(SURFACES, primary_key=True)
    day = dy.Date(primary_key=True)
    session_count = dy.Int64(min=0)
    call_count = dy.Int64(min=0)
    call_share_ratio = dy.Float64(min=0.0, max=1.0)
    input_tokens = dy.Int64(min=0)
    shared_prefix_tokens = dy.Int64(min=0, nullable=True)
    output_tokens = dy.Int64(min=0)
    input_p50_tokens = dy.Float64(nullable=True)
    input_p90_tokens = dy.Float64(nullable=True)
    input_p99_tokens = dy.Float64(nullable=True)
    output_p50_tokens = dy.Float64(nullable=True)
    output_p90_tokens = dy.Float64(nullable=True)
    output_p99_tokens = dy.Float64(nullable=True)
    shared_ratio = dy.Float64(nullable=True)
    ttft_p50_s = dy.Float64(nullable=True)
    ttft_p95_s = dy.Float64(nullable=True)
    cut_ratio = dy.Float64(min=0.0, max=1.0)
    calls_per_session_p50_count = dy.Float64(nullable=True)


class WorkloadDrift(dy.Schema):
    """Whether a day's sessions differ from the reference days', by feature, beyond the unrest from day to day."""

    surface = dy.Enum(SURFACES, primary_key=True)
    feature = dy.String(primary_key=True)
    """Column of `SessionFeatures`."""
    day = dy.Date(primary_key=True)
    reference_count = dy.Int64(min=0)
    """Sessions of the reference days of the same kind (working day or weekend)."""
    session_count = dy.Int64(min=0)
    ks_ratio = dy.Float64(min=0.0, max=1.0)
    """Largest distance between both laws (Kolmogorov and Smirnov)."""
    psi_ratio = dy.Float64(min=0.0)
    """Population stability index: below 0.1 small, above 0.25 large."""
    median_over_reference_ratio = dy.Float64(min=0.0, nullable=True)
    """The day's median over the reference's; null where that is 0."""
    design_effect_ratio = dy.Float64(min=1.0)
    """By how much the reference days differ more than independent sessions would, in variance."""
    p_value_ratio = dy.Float64(min=0.0, max=1.0)
    q_value_ratio = dy.Float64(min=0.0, max=1.0)
    """False discovery rate, over all rows tested together, at which this row would be called drifted."""
    is_drifted = dy.Bool()


class EmergingWorkloads(dy.Schema):
    """What grows: surfaces by their trend, and clusters of sessions that were rare before, as of a day."""

    kind = dy.Enum(("surface", "cluster"), primary_key=True)
    surface = dy.Enum(SURFACES, primary_key=True)
    number = dy.Int64(primary_key=True, min=0)
    """Number of the cluster inside its surface; 0 for the surface itself."""
    day = dy.Date(primary_key=True)
    session_count = dy.Int64(min=0)
    """Sessions of the day (surface) or of the last week (cluster)."""
    share_before_ratio = dy.Float64(min=0.0, max=1.0)
    """Share of all sessions (surface) or of the surface's (cluster) before the last week."""
    share_now_ratio = dy.Float64(min=0.0, max=1.0)
    """The same in the last week."""
    growth_per_day_ratio = dy.Float64(nullable=True)
    """Of a surface's sessions."""
    growth_low_per_day_ratio = dy.Float64(nullable=True)
    growth_high_per_day_ratio = dy.Float64(nullable=True)
    """95 % interval."""
    share_growth_per_day_ratio = dy.Float64(nullable=True)
    """Of the odds of a surface's share."""
    p_value_ratio = dy.Float64(min=0.0, max=1.0)
    q_value_ratio = dy.Float64(min=0.0, max=1.0, nullable=True)
    """Of a cluster: false discovery rate over all clusters; surfaces keep a stated false-alarm rate instead."""
    is_emerging = dy.Bool()
    profile = dy.String()
    """In words and numbers: how fast a surface grows, what sets a cluster apart."""


class PrefixReuse(dy.Schema):
    """How much of the prompts was shared with an earlier call, what the cache still held, and what the rest cost."""

    surface = dy.Enum(SURFACES, primary_key=True)
    idle_low_s = dy.Float64(nullable=True, min=0.0)
    """Band of the time between the end of the call before and this one; both edges null where it is not known."""
    idle_high_s = dy.Float64(nullable=True)
    is_model_switch = dy.Bool()
    """Whether another model answered the parent call."""
    day = dy.Date(primary_key=True)
    band = dy.Int64(primary_key=True, min=0)
    """Number of the row inside surface and day: by idle time, unknown last; switches of the model come after."""
    call_count = dy.Int64(min=0)
    """Calls with a parent whose shared prefix is known."""
    input_tokens = dy.Int64(min=0)
    shared_tokens = dy.Int64(min=0)
    told_count = dy.Int64(min=0)
    """Calls that also report what was read from the cache."""
    cached_tokens = dy.Int64(min=0)
    lost_tokens = dy.Int64(min=0)
    """Shared with the parent and not read from the cache: computed again."""
    reuse_ratio = dy.Float64(min=0.0, nullable=True)
    """Shared over input tokens."""
    hit_ratio = dy.Float64(min=0.0, max=1.0, nullable=True)
    """Shared tokens that the cache still held, over shared tokens of the calls that report it."""
    lost_s = dy.Float64(min=0.0, nullable=True)
    """Prefill time of the lost tokens."""
    lost_low_s = dy.Float64(min=0.0, nullable=True)
    lost_high_s = dy.Float64(min=0.0, nullable=True)
    """95 % interval from the slope of the time to first token."""
    uncached_s_per_tokens = dy.Float64(min=0.0, nullable=True)
    """Seconds per uncached prompt token on this surface and day."""


class DemandForecast(dy.Schema):
    """What is coming: session weights and length scales on `demand_calls`, for a week that ends some days ahead."""

    surface = dy.Enum(SURFACES, primary_key=True)
    quantile = dy.Enum(("p10", "p50", "p90"), primary_key=True)
    day = dy.Date(primary_key=True)
    """The day as of which it is made."""
    horizon_days = dy.Int64(primary_key=True)
    session_weight_ratio = dy.Float64(nullable=True, min=0.0)
    """Sessions of the week that ends at the horizon over those of the last week; null where there is a reason."""
    input_scale_ratio = dy.Float64(nullable=True, min=0.0)
    """The same of the median prompt; null also where the source reports none."""
    output_scale_ratio = dy.Float64(nullable=True, min=0.0)
    kept_trend_ratio = dy.Float64(nullable=True, min=0.0, max=1.0)
    """Share of the past growth of sessions that backtests told to go on with."""
    backtest_count = dy.Int64(nullable=True, min=0)
    """Past days from which the forecast of sessions was tried."""
    backtest_inside_ratio = dy.Float64(nullable=True, min=0.0, max=1.0)
    """Share of the trials whose truth lay inside an interval as wide as p10 to p90."""
    reason = dy.String(nullable=True)
    """Why there is no forecast."""

    @classmethod
    def _sampling_overrides(cls) -> dict[str, pl.Expr]:
        return {"reason": pl.when(pl.col("session_weight_ratio").is_null()).then(pl.lit("too short"))}

    @dy.rule()
    def numbers_or_a_reason(cls) -> pl.Expr:
        """A surface has a forecast or a reason why not."""
        return pl.col("session_weight_ratio").is_null() == pl.col("reason").is_not_null()


class ContextTrend(dy.Schema):
    """How fast prompts grow from day to day, and the length that it leads to."""

    surface = dy.Enum(SURFACES, primary_key=True)
    quantile = dy.Enum(("p50", "p90"), primary_key=True)
    """Of the prompts of a day."""
    day = dy.Date(primary_key=True)
    days_count = dy.Int64(min=1)
    horizon_days = dy.Int64()
    growth_per_day_ratio = dy.Float64()
    growth_low_per_day_ratio = dy.Float64()
    growth_high_per_day_ratio = dy.Float64()
    """95 % interval."""
    now_tokens = dy.Float64(min=0.0)
    forecast_tokens = dy.Float64(min=0.0)
    forecast_low_tokens = dy.Float64(min=0.0)
    forecast_high_tokens = dy.Float64(min=0.0)
