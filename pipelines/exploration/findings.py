"""What one exploration found, as small frames and plain values: enough to fill tables, ledger and report."""

from dataclasses import dataclass

import polars as pl

from pipelines.report import ExplainedView, Explanation, RecommendationView


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything that outlives the search. Frames of the report are described at `ReportContent`."""

    step_bins: pl.DataFrame
    """Contract `StepBins`, of the baseline."""
    hotspots: pl.DataFrame
    """Contract `KernelHotspots`, of the baseline, per hour of the whole traffic."""
    evaluations: pl.DataFrame
    """Contract `DesignEvaluations`."""
    service: pl.DataFrame
    fleet: pl.DataFrame
    explained: ExplainedView
    roofs: pl.DataFrame
    designs: pl.DataFrame
    recommendations: tuple[RecommendationView, ...]
    calibration: pl.DataFrame
    robustness: pl.DataFrame
    refused: pl.DataFrame
    evidence: pl.DataFrame
    risks: pl.DataFrame
    supply: pl.DataFrame
    developers: pl.DataFrame
    projects: pl.DataFrame
    service_changes: pl.DataFrame
    """What each finalist does to what users pay and wait, over the baseline: design_id, surface, price_ratio,
    latency_ratio."""
    handover: pl.DataFrame
    """Replicas of the best recommended design: llm, tp_count, replicas_ratio (per traffic of the telemetry); no rows
    where none is recommended."""
    explanation: Explanation
    interactivity: pl.DataFrame
    chip_errors: pl.DataFrame
    scored_count: int
    """Feasible designs scored in closed form."""
    space_count: int
    replayed_count: int
    bill_unexplained_ratio: float
    """How far the hotspots are from the replay's busy time and cost."""
