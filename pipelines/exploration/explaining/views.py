"""A recommendation as the report shows it: changes, gains, costs, limits, reasons."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.design import DesignSpace, Evaluation, Recommendation
from hwmodel.physical import die_area, limits, module_cost
from pipelines.exploration.designs import design_changes, title_of
from pipelines.exploration.explaining.reasons import bill_shift, reasons
from pipelines.exploration.keeping import ledger_id
from pipelines.report import Explanation, Interval, RecommendationView

CURVE_WORDS = {
    "dollars": "value_per_usd_ratio",
    "watts": "value_usd_per_j",
    "racks": "value_usd_per_rack_h",
    "latency": "value_usd_per_latency_s",
}


def recommendation_view(
    space: DesignSpace,
    recommendation: Recommendation,
    baseline: Evaluation,
    bills: Mapping[str, pl.DataFrame],
    explanation: Explanation,
) -> RecommendationView:
    """One finalist against the baseline.

    Args:
        space: Where the design lies.
        recommendation: The finalist.
        baseline: Full evaluation of the incumbent.
        bills: Contract `KernelHotspots` by name of the design, the incumbent's included.
        explanation: Of all finalists; this one's parts and grounds are taken from it.
    """
    evaluation = recommendation.evaluation
    mean, low, high = recommendation.predicted
    shift = (
        pl.DataFrame()
        if evaluation is None
        else bill_shift(baseline, bills[baseline.design.name], evaluation, bills[evaluation.design.name])
    )
    ratio = recommendation.reevaluated_ratio
    return RecommendationView(
        rank=recommendation.rank,
        design_id=ledger_id(recommendation.design),
        title=title_of(space, recommendation.changes),
        recommended=recommendation.is_recommended,
        changes=design_changes(space, recommendation.changes),
        predicted_gain=Interval(mid=mean - 1.0, low=low - 1.0, high=high - 1.0),
        reevaluated_gain=None if ratio is None else ratio - 1.0,
        silicon_gain=Interval(
            mid=(ratio or 0.0) - 1.0, low=recommendation.silicon[0] - 1.0, high=recommendation.silicon[1] - 1.0
        ),
        curves={} if evaluation is None else _curves(evaluation, baseline),
        costs={} if evaluation is None else _costs(evaluation, baseline),
        limits=_limits(recommendation.design, space.baseline),
        why=("no fleet of this design kept the promises in the full replay",)
        if evaluation is None
        else reasons(shift, baseline, evaluation),
        bill_shift=shift if evaluation is None else shift.drop("llm", "surface"),
        attribution=_attribution(explanation.parts.filter(rank=recommendation.rank)),
        evidence=str(explanation.grounds.filter(rank=recommendation.rank)["words"].item()),
    )


def _curves(evaluation: Evaluation, baseline: Evaluation) -> dict[str, float]:
    return {word: evaluation.curves[name] / baseline.curves[name] for word, name in CURVE_WORDS.items()}


def _costs(evaluation: Evaluation, baseline: Evaluation) -> dict[str, tuple[float, float, str]]:
    pair = DesignTable.of([baseline.design, evaluation.design])
    area, module = die_area(pair).die_m2 * 1e6, module_cost(pair).typical_usd
    return {
        "die area": (float(area[0]), float(area[1]), "mm2"),
        "TDP": (baseline.design.tdp_w, evaluation.design.tdp_w, "W"),
        "module cost": (float(module[0]), float(module[1]), "usd"),
        "cost of one chip": (baseline.usd_per_chip_h, evaluation.usd_per_chip_h, "usd/h"),
        "chips for the same demand": (baseline.chips_needed, evaluation.chips_needed, "count"),
        "fleet cost": (baseline.tco_usd_per_h, evaluation.tco_usd_per_h, "usd/h"),
        "fleet power": (baseline.power_w, evaluation.power_w, "W"),
        "calls late or lost": (baseline.late_ratio, evaluation.late_ratio, "ratio"),
        "p95 time to first token": (baseline.percentile("ttft_s", 95.0), evaluation.percentile("ttft_s", 95.0), "s"),
        "p95 time per token": (baseline.percentile("tpot_s", 95.0), evaluation.percentile("tpot_s", 95.0), "s"),
    }


def _limits(design: ChipDesign, baseline: ChipDesign) -> pl.DataFrame:
    used = limits(DesignTable.of([design]), baseline=baseline)
    return pl.DataFrame(
        [
            {
                "limit": limit.name,
                "used": float(limit.used[0] * limit.shown_per_si),
                "cap": float(limit.allowed[0] * limit.shown_per_si),
                "unit": limit.unit,
                "used_ratio": float(limit.used_ratio[0]),
            }
            for limit in used.all
            if np.isfinite(limit.used_ratio[0])
        ]
    )


def _attribution(parts: pl.DataFrame) -> pl.DataFrame:
    """What each change buys in closed form: alone on the baseline, and as the last one of the design."""
    return parts.select(
        "parameter",
        pl.col("change").alias("label"),
        pl.col("alone_ratio").alias("gain_alone_ratio"),
        pl.col("lost_ratio").alias("gain_lost_ratio"),
    )
