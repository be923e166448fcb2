"""What a report says, as plain values: computed by the pipeline, laid out by the renderer."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.report.explained import ExplainedView
from pipelines.report.explanation import Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A number with the range it is claimed to lie in."""

    mid: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Where the report comes from."""

    run_id: str
    dataset: str
    """`synthetic`, or the name of an ingested trace."""
    source: str
    """Seed of the simulation, or file name and format of the trace."""
    baseline: str
    llms: tuple[str, ...]
    days: tuple[date, ...]
    call_count: int
    code_version: str
    snapshots: dict[str, int]
    """Iceberg snapshot id by table."""
    made_at: str
    """The one wall-clock text of the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignChange:
    """One parameter of the chip, before and after, in display units."""

    parameter: str
    label: str
    unit: str
    before: float
    after: float
    words: tuple[str, str] | None = None
    """What before and after are called, where they are choices and not amounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendationView:
    """One recommended design: what changes, what it buys, how sure, why."""

    rank: int
    design_id: str
    title: str
    """Short name, e.g. `6 HBM stacks, 96 MB L2`."""
    recommended: bool
    """False where the silicon interval does not exclude no gain: shown, but not recommended."""
    changes: tuple[DesignChange, ...]
    predicted_gain: Interval
    """Value per dollar over the baseline's, minus 1, by the learned cost model, with the emulator interval."""
    reevaluated_gain: float | None
    """The same from the full replay."""
    silicon_gain: Interval
    """The replayed gain with the chip model's own error on ratios of chips."""
    curves: dict[str, float]
    """Ratio to the baseline of the four value curves: dollars, watts, racks, latency."""
    costs: dict[str, tuple[float, float, str]]
    """Baseline and design value with unit: die area, TDP, module cost, TCO, chips needed, late share."""
    limits: pl.DataFrame
    """Columns: limit, used, cap, unit, used_ratio."""
    why: tuple[str, ...]
    """Sentences that name kernels and binding resources, before and after."""
    bill_shift: pl.DataFrame
    """Columns: kernel, binding_resource, baseline_share_ratio, design_share_ratio (shares of cost per unit of
    value)."""
    attribution: pl.DataFrame
    """Columns: parameter, label, gain_alone_ratio (add-one), gain_lost_ratio (drop-one), as in
    `Explanation.parts`."""
    evidence: str
    """measured | calibrated | extrapolated | assumed, with a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One recommendation of a run, as the ledger remembers it."""

    run_id: str
    dataset: str
    baseline: str
    started_at: str
    rank: int
    design_id: str
    change: str
    """Changed parameters, from and to, in words."""
    predicted_ratio: float
    low_ratio: float
    high_ratio: float
    """Value per dollar over the baseline's, with the emulator interval."""
    evaluated_ratio: float | None
    status: str
    """proposed | accepted | rejected."""
    decisions: tuple[str, ...]
    """When, what and why, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """Everything that the report shows. Frames are small: they are inlined into the page."""

    run: RunFacts
    headline: tuple[str, ...]
    """The page in plain words: what to change, what it buys, how sure, what would overturn it."""
    card: pl.DataFrame
    """Workload card. One row per surface and one `all`: surface, calls, sessions, call_share_ratio,
    input_p50_tokens, input_p90_tokens, input_p99_tokens,
    output_p50_tokens, output_p90_tokens, output_p99_tokens, shared_ratio, calls_per_session_p50_count, ttft_p50_s,
    ttft_p95_s, cut_ratio."""
    load: pl.DataFrame
    """Columns: hour (UTC datetime), surface, call_count."""
    waits: pl.DataFrame
    """Contract WaitProfile, days summed or not."""
    stalls: pl.DataFrame
    """Contract StallProfile."""
    abandonment: pl.DataFrame
    """Contract AbandonmentCurve."""
    thresholds: pl.DataFrame
    """Contract AbandonmentThresholds, as of the last day."""
    growth: pl.DataFrame
    """Contract ContextGrowth."""
    context_trend: pl.DataFrame
    """Contract ContextTrend, as of the last day."""
    drift: pl.DataFrame
    """Contract WorkloadDrift, of the last day, and words: what the feature is called."""
    emerging: pl.DataFrame
    """Contract EmergingWorkloads, as of the last day."""
    forecast: pl.DataFrame
    """Contract DemandForecast, as of the last day."""
    reuse: pl.DataFrame
    """Contract PrefixReuse."""
    cache_life: pl.DataFrame
    """What a cache of a given life would keep: surface, life_s, kept_tokens, kept_ratio."""
    lacking: dict[str, str]
    """Why a table that looks back has no rows, by table; absent where it has some."""
    hotspots: pl.DataFrame
    """Contract KernelHotspots, of the baseline."""
    roofs: pl.DataFrame
    """Roofs of the baseline: roof (name), flop_per_s (null for bandwidth), bytes_per_s (null for compute)."""
    service: pl.DataFrame
    """Baseline service in the replay, by surface and tier: surface, service_tier, llm, calls, ttft_p50_s, ttft_p95_s,
    tpot_p50_s, tpot_p95_s, queue_ratio, prompt_ratio, answer_ratio (of the time from request to last token),
    attainment_ratio, target_ratio, unservable_count."""
    fleet: pl.DataFrame
    """Baseline fleet: llm, tp_count, replicas_count, chips_count, utilisation_ratio, tco_usd_per_h, power_w."""
    explained: ExplainedView
    """Telemetry beside the replay on the declared incumbent."""
    designs: pl.DataFrame
    """design_id, label, kind (baseline | real chip | candidate | recommended), evaluated (bool), value_per_usd_ratio,
    value_per_w_ratio (both over the baseline), low_ratio, high_ratio (null where evaluated)."""
    recommendations: tuple[RecommendationView, ...]
    calibration: pl.DataFrame
    """Predicted against re-evaluated: design_id, label, purpose, predicted_ratio, low_ratio, high_ratio,
    evaluated_ratio, error_ratio, inside (bool)."""
    robustness: pl.DataFrame
    """Does the winner change: scenario, winner, winner_gain_ratio, changed (bool)."""
    refused: pl.DataFrame
    """Chips and designs without an answer: name, lane, reason."""
    evidence: pl.DataFrame
    """Where numbers come from: quantity, value, unit, kind, source."""
    risks: pl.DataFrame
    """Stress tests of the design that ranks first: risk, what (is varied), unit, low, high (range), gain_today_ratio,
    gain_at_high_ratio, flips_at (null where the gain lasts), basis."""
    supply: pl.DataFrame
    """Best mix of chips under a cap: cap, cap_ratio (of what the design's fleet takes), mix, served_ratio,
    value_usd_per_h, flips_below and flips_above
    (caps beyond which the design is no longer most of the mix; null where never)."""
    developers: pl.DataFrame
    """What developers see: design, ttft_p50_s, ttft_p95_s, ttft_p99_s, tpot_p50_s, tpot_p95_s, tpot_p99_s, met_ratio,
    burst_met_ratio, usd_per_mtoken, agent_steps_per_h (NaN where no call follows another)."""
    projects: pl.DataFrame
    """Getting it made: design, depth (memory, die, process), nre_usd_*, months_* and break_even_* (chips) at low,
    typical and high, fleet_chips_count, saving_usd_per_chip_life, value_usd_per_h, gain_ratio, months_of_market (after
    which the market sells the same gain)."""
    generations: pl.DataFrame
    """The chain of generations that ends with this run, one row each: generation, run_id, chip, call_count,
    session_count, chips_count, binding_resource, binding_ratio (of busy time), the four value curves of the chip in
    service, next_change. Empty for a run on its own."""
    generation_surfaces: pl.DataFrame
    """The same by surface: generation, surface, call_count, ttft_p50_s, ttft_p95_s, cut_ratio, and price_ratio,
    latency_ratio, volume_ratio over the generation before."""
    explanation: Explanation
    """Why the recommendations are what they are, and what would overturn them."""
    interactivity: pl.DataFrame
    """Fronts in closed form of each chip, for the median prompt and answer of an LLM: chip, kind (as in designs), llm,
    input_tokens, output_tokens, precision, tp_count, ep_count, attention_dp_count, batch_count, tokens_per_s_per_user,
    tokens_per_usd, tokens_per_usd_low, tokens_per_usd_high, tokens_per_j."""
    chip_errors: pl.DataFrame
    """The timing law of the loop against measured kernels: chip, phase, rows_count, median_ratio (predicted over
    measured), mean_error_ratio, p90_error_ratio."""
    decisions: tuple[HistoryRow, ...]
    """What became of the recommendations of this run."""
    doubts: tuple[str, ...]
    """What is not modelled or not known, in plain words."""
