"""The sample's designs, recommendations and their checks; every number is invented."""

from typing import Any

import numpy as np
import polars as pl

from pipelines.report.content import DesignChange, Interval, RecommendationView

INTERVAL_OF = {"predicted": (0.21, 0.14, 0.28), "silicon": (0.23, 0.09, 0.38)}


def designs(rng: np.random.Generator) -> pl.DataFrame:
    chips = {
        "a100-sxm-80": (0.61, 0.52),
        "h200-sxm": (1.12, 1.24),
        "b200-sxm": (1.31, 1.22),
        "mi300x": (1.09, 0.98),
        "jalapeno": (1.16, 1.71),
    }
    rows: list[dict[str, Any]] = [_point("h100-sxm", "h100-sxm", "baseline", 1.0, 1.0, None)]
    rows += [_point(name, name, "real chip", *at, None) for name, at in chips.items()]
    for k in range(40):
        usd, watt = float(rng.normal(1.04, 0.11)), float(rng.normal(1.03, 0.10))
        rows.append(_point(f"c{k:03d}", f"candidate {k}", "candidate", usd, watt, 0.06))
    for view in recommendations():
        reevaluated = view.reevaluated_gain or 0.0
        rows.append(
            _point(view.design_id, view.title, "recommended", 1 + reevaluated, view.curves["value per watt"], None)
        )
    return pl.DataFrame(rows, schema_overrides={"low_ratio": pl.Float64, "high_ratio": pl.Float64})


def _point(  # noqa: PLR0917 - six columns of a row
    name: str, label: str, kind: str, usd: float, watt: float, half: float | None
) -> dict[str, Any]:
    return {
        "design_id": name,
        "label": label,
        "kind": kind,
        "evaluated": half is None,
        "value_per_usd_ratio": usd,
        "value_per_w_ratio": watt,
        "low_ratio": None if half is None else usd - half,
        "high_ratio": None if half is None else usd + half,
    }


def recommendations() -> tuple[RecommendationView, ...]:
    hbm = DesignChange(parameter="hbm_stacks", label="HBM stacks", unit="count", before=5, after=6)
    l2 = DesignChange(parameter="l2_bytes", label="L2 capacity", unit="MB", before=50, after=96)
    exp = DesignChange(parameter="exp_rate", label="exponent units per SM", unit="per clock", before=16, after=32)
    clock = DesignChange(parameter="clock_hz", label="boost clock", unit="Hz", before=1.755e9, after=1.62e9)
    return (
        _view(1, "d-17a2", "6 HBM stacks, 96 MB L2", (hbm, l2), shift=0.0, recommended=True),
        _view(
            2,
            "d-09ce",
            "6 HBM stacks, 2x exponent units, lower clock",
            (hbm, exp, clock),
            shift=-0.04,
            recommended=True,
        ),
        _view(3, "d-4410", "96 MB L2 only", (l2,), shift=-0.15, recommended=False),
    )


def _view(
    rank: int, name: str, title: str, changes: tuple[DesignChange, ...], *, shift: float, recommended: bool
) -> RecommendationView:
    mid, low, high = (value + shift for value in INTERVAL_OF["predicted"])
    silicon = Interval(**dict(zip(("mid", "low", "high"), (v + shift for v in INTERVAL_OF["silicon"]), strict=True)))
    return RecommendationView(
        rank=rank,
        design_id=name,
        title=title,
        recommended=recommended,
        changes=changes,
        predicted_gain=Interval(mid=mid, low=low, high=high),
        reevaluated_gain=0.23 + shift,
        silicon_gain=silicon,
        curves={
            "value per dollar": 1.23 + shift,
            "value per watt": 1.17 + shift,
            "value per rack": 1.29 + shift,
            "value per second of latency": 1.06 + shift / 2,
        },
        costs={
            "die area": (814.0, 822.0 + rank, "mm2"),
            "board power (TDP)": (700.0, 748.0, "W"),
            "module cost": (21_400.0, 23_900.0, "usd"),
            "TCO of one chip": (2.32, 2.51, "usd/h"),
            "chips for the same demand": (158.0, 121.0, "count"),
            "calls later than their SLO": (0.043, 0.041, "ratio"),
        },
        limits=pl.DataFrame(
            {
                "limit": ["reticle area", "HBM shoreline", "board power", "module cost"],
                "used": [823.0, 66.0, 748.0, 23_900.0],
                "cap": [858.0, 66.0, 1000.0, 40_000.0],
                "unit": ["mm2", "mm", "W", "usd"],
                "used_ratio": [823 / 858, 1.0, 0.748, 0.5975],
            }
        ),
        why=(
            "attention_decode of gpt-oss-120b is bound by HBM bandwidth for 19 % of the bill; a sixth stack shortens it by 17 %.",
            "96 MB of L2 keeps the routed experts' activations on chip: moe_gemm_down moves from HBM to matrix units.",
            "What is left is fixed latency: rms_norm, router_topk and all_reduce do not shrink and become 14 % of the bill.",
        ),
        bill_shift=pl.DataFrame(
            {
                "kernel": [
                    "moe_gemm_up",
                    "attention_decode",
                    "moe_gemm_down",
                    "moe_gemm_down",
                    "attention_prefill",
                    "moe_gemm_prefill",
                    "qkv_gemm",
                    "all_reduce",
                    "rms_norm",
                ],
                "binding_resource": ["hbm", "hbm", "hbm", "matrix", "exponent", "matrix", "hbm", "latency", "latency"],
                "baseline_share_ratio": [0.24, 0.19, 0.12, 0.0, 0.10, 0.08, 0.06, 0.05, 0.025],
                "design_share_ratio": [0.20, 0.15, 0.0, 0.08, 0.11, 0.085, 0.05, 0.06, 0.03],
            }
        ),
        attribution=pl.DataFrame(
            {
                "parameter": [change.parameter for change in changes],
                "label": [change.label for change in changes],
                "gain_alone_ratio": [(0.15, 0.06, -0.01)[i] for i in range(len(changes))],
                "gain_lost_ratio": [(0.17, 0.08, 0.02)[i] for i in range(len(changes))],
            }
        ),
        evidence="calibrated: within the range of the measured chip pairs; 212 kernel shapes measured on the baseline",
    )


def calibration(rng: np.random.Generator) -> pl.DataFrame:
    rows = []
    for k in range(12):
        true = float(rng.uniform(0.88, 1.28))
        predicted = true * float(rng.normal(1.0, 0.035))
        low, high = predicted * 0.94, predicted * 1.06
        rows.append(
            {
                "design_id": f"c{k:03d}",
                "label": f"candidate {k}",
                "purpose": "recommended" if k < 3 else "training" if k < 9 else "audit",
                "predicted_ratio": predicted,
                "low_ratio": low,
                "high_ratio": high,
                "evaluated_ratio": true,
                "error_ratio": predicted / true - 1,
                "inside": low <= true <= high,
            }
        )
    return pl.DataFrame(rows)


def robustness() -> pl.DataFrame:
    scenarios: tuple[str, ...] = (
        "as observed",
        "values halved",
        "values doubled",
        "abandonment off",
        "abandonment at its high end",
    )
    scenarios += ("HBM price doubled", "only coding loops", "only long-context chats")
    changed = [False] * 6 + [False, True]
    return pl.DataFrame(
        {
            "scenario": scenarios,
            "winner": ["6 HBM stacks, 96 MB L2" if not c else "2x exponent units" for c in changed],
            "winner_gain_ratio": [0.23, 0.23, 0.23, 0.19, 0.27, 0.08, 0.26, 0.14],
            "changed": changed,
        }
    )
