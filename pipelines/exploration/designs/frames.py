"""Evaluations as the small frames that tables and report take."""

from collections.abc import Sequence
from dataclasses import asdict

import dataframely as dy
import numpy as np
import polars as pl

from hwmodel.catalog import ChipDesign
from hwmodel.design import CURVE, DesignSpace, Evaluation, Outcome, SearchResult, service_change
from hwmodel.hotspots import stage_shares
from hwmodel.physical import all_in_power_w, tco
from pipelines.exploration.designs.titles import title_of
from pipelines.exploration.keeping import LedgerLog, ledger_id
from pipelines.report import RecommendationView
from warehouse.contracts import SERVICE_TIERS, SURFACES, DesignEvaluations

SHOWN_CANDIDATES = 60
DESIGN_SCHEMA = {
    "design_id": pl.String,
    "label": pl.String,
    "kind": pl.String,
    "evaluated": pl.Boolean,
    "value_per_usd_ratio": pl.Float64,
    "value_per_w_ratio": pl.Float64,
    "low_ratio": pl.Float64,
    "high_ratio": pl.Float64,
}
CHANGE_SCHEMA = {
    "design_id": pl.String,
    "surface": pl.String,
    "price_ratio": pl.Float64,
    "latency_ratio": pl.Float64,
}


def evaluations_frame(evaluations: Sequence[Evaluation]) -> dy.DataFrame[DesignEvaluations]:
    """One row per evaluation under its contract."""
    rows = [
        {
            "design_id": e.design.name,
            "scenario": e.scenario,
            "chips_count": e.chips_needed,
            "value_usd_per_h": e.value_usd_per_h,
            **e.curves,
            "late_ratio": e.late_ratio,
            "power_w": e.power_w,
            "tco_usd_per_h": e.tco_usd_per_h,
            "ttft_p95_s": e.percentile("ttft_s", 95.0),
            "tpot_p95_s": e.percentile("tpot_s", 95.0),
        }
        for e in evaluations
    ]
    return DesignEvaluations.validate(pl.DataFrame(rows), cast=True)


def service_frame(baseline: Evaluation) -> pl.DataFrame:
    """How the baseline serves each surface and tier in the replay."""
    rows = []
    for part in baseline.pools:
        demand, result = part.pool.demand, part.fleet.result
        level = demand.surface * len(SERVICE_TIERS) + demand.tier
        owed = dict(zip(part.pool.promises.levels.tolist(), part.pool.promises.target_ratio.tolist(), strict=True))
        for at in np.unique(level[demand.is_scored]):
            here = demand.is_scored & (level == at)
            rows.append(
                {
                    "surface": SURFACES[at // len(SERVICE_TIERS)],
                    "service_tier": SERVICE_TIERS[at % len(SERVICE_TIERS)],
                    "llm": part.pool.llm.id,
                    "calls": int(here.sum()),
                    "ttft_p50_s": _percentile(result.ttft_s[here], 50),
                    "ttft_p95_s": _percentile(result.ttft_s[here], 95),
                    "tpot_p50_s": _percentile(result.tpot_s[here], 50),
                    "tpot_p95_s": _percentile(result.tpot_s[here], 95),
                    **asdict(stage_shares(result, here)),
                    "attainment_ratio": float(result.is_met[here].mean()),
                    "target_ratio": float(owed.get(int(at), demand.attainment_target_ratio[here].max())),
                    "unservable_count": part.pool.unservable_count,
                }
            )
    return pl.DataFrame(rows).sort("llm", "surface", "service_tier")


def fleet_frame(baseline: Evaluation) -> pl.DataFrame:
    """The baseline's fleet by LLM, at the traffic of the whole fleet."""
    return pl.DataFrame(
        [
            {
                "llm": part.pool.llm.id,
                "tp_count": part.deployment.tp_count,
                "replicas_count": part.replicas_needed,
                "chips_count": part.chips_needed,
                "utilisation_ratio": part.utilisation_ratio,
                "tco_usd_per_h": part.chips_needed * baseline.usd_per_chip_h,
                "power_w": part.chips_needed * baseline.all_in_w,
            }
            for part in baseline.pools
        ]
    )


def roofs_frame(design: ChipDesign) -> pl.DataFrame:
    """Peak rates of one chip."""
    matrix = design.cores_count * design.matrix_flop_per_clk * design.clock_hz
    ratios = {"bf16": 1.0, "fp8": design.fp8_rate_ratio, "fp4": design.fp4_rate_ratio}
    rows: list[dict[str, object]] = [
        {"roof": f"{dtype} matrix", "flop_per_s": matrix * ratio, "bytes_per_s": None}
        for dtype, ratio in ratios.items()
        if ratio > 0.0
    ]
    rows.append({"roof": "HBM", "flop_per_s": None, "bytes_per_s": design.hbm_bytes_per_s})
    rows.append({"roof": "L2", "flop_per_s": None, "bytes_per_s": design.l2_bytes_per_clk * design.clock_hz})
    return pl.DataFrame(rows, schema={"roof": pl.String, "flop_per_s": pl.Float64, "bytes_per_s": pl.Float64})


def designs_frame(
    space: DesignSpace,
    found: SearchResult,
    views: Sequence[RecommendationView],
    named: Sequence[tuple[str, Evaluation]],
) -> pl.DataFrame:
    """Baseline, named chips, candidates and recommendations by value per dollar and per watt over the baseline."""
    base = found.baseline
    rows = [_design_row(base.design.name, base.design.name, "baseline", (1.0, 1.0))]
    rows += [_design_row(name, name, "real chip", _over(e, base)) for name, e in named]
    final = {view.design_id for view in views}
    for row, e in found.replayed.items():
        if ledger_id(e.design) not in final:
            label = title_of(space, space.changes(found.scored.points[row].tolist()))
            rows.append(_design_row(ledger_id(e.design), label, "candidate", _over(e, base)))
    rows += [
        _design_row(
            view.design_id,
            view.title,
            "recommended" if view.recommended else "candidate",
            (view.curves["dollars"], view.curves["watts"]),
        )
        for view in views
        if view.curves
    ]
    return pl.DataFrame([*rows, *_predicted_rows(space, found)], schema=DESIGN_SCHEMA)


def service_changes_frame(baseline: Evaluation, finalists: Sequence[Evaluation]) -> pl.DataFrame:
    """What each finalist does to price and latency of each surface, over the baseline."""
    rows = [
        {"design_id": ledger_id(finalist.design), **asdict(change)}
        for finalist in finalists
        for change in service_change(baseline, finalist)
    ]
    return pl.DataFrame(rows, schema=CHANGE_SCHEMA)


def calibration_frame(log: LedgerLog, views: Sequence[RecommendationView]) -> pl.DataFrame:
    """Every prediction that was evaluated later."""
    titles = {view.design_id: view.title for view in views}
    rows = []
    for evaluation, ratio, purpose in log.evaluations:
        prediction = log.predictions.get(f"{purpose}:{evaluation.design.name}")
        if prediction is None:
            continue
        mean, low, high = prediction
        design_id = ledger_id(evaluation.design)
        rows.append(
            {
                "design_id": design_id,
                "label": titles.get(design_id, evaluation.design.name),
                "purpose": purpose,
                "predicted_ratio": mean,
                "low_ratio": low,
                "high_ratio": high,
                "evaluated_ratio": ratio,
                "error_ratio": mean / ratio - 1.0,
                "inside": low <= ratio <= high,
            }
        )
    return pl.DataFrame(rows)


def _predicted_rows(space: DesignSpace, found: SearchResult) -> list[dict[str, object]]:
    """The best designs that were only predicted."""
    order = [row for row in np.argsort(-found.prediction.mean, kind="stable").tolist() if row not in found.replayed]
    chosen = np.array(order[:: max(1, len(order) // 400)][:SHOWN_CANDIDATES])
    designs = found.scored.designs.take(chosen)
    per_w = tco(designs).typical_usd_per_chip_h / all_in_power_w(designs)
    base_per_w = found.baseline.usd_per_chip_h / found.baseline.all_in_w
    rows = []
    for at, row in enumerate(chosen.tolist()):
        mean = float(found.prediction.mean[row])
        low, high = float(found.prediction.low[row]), float(found.prediction.high[row])
        label = title_of(space, space.changes(found.scored.points[row].tolist()))
        watts = mean * float(per_w[at]) / base_per_w
        rows.append(_design_row(ledger_id(designs.row(at)), label, "candidate", (mean, watts), interval=(low, high)))
    return rows


def _design_row(
    design_id: str, label: str, kind: str, ratios: tuple[float, float], *, interval: tuple[float, float] | None = None
) -> dict[str, object]:
    return {
        "design_id": design_id,
        "label": label,
        "kind": kind,
        "evaluated": interval is None,
        "value_per_usd_ratio": ratios[0],
        "value_per_w_ratio": ratios[1],
        "low_ratio": interval[0] if interval else None,
        "high_ratio": interval[1] if interval else None,
    }


def _over(evaluation: Evaluation | Outcome, base: Evaluation) -> tuple[float, float]:
    names = (CURVE, "value_usd_per_j")
    dollars, watts = (evaluation.curves[name] / base.curves[name] for name in names)
    return dollars, watts


def _percentile(values: np.ndarray, q: float) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.percentile(known, q)) if known.size else None
