"""The explanation of the report's sample content; every number is invented."""

from dataclasses import fields
from typing import Any

import polars as pl

from pipelines.exploration.explaining import gain_frames, overturn_frames
from pipelines.exploration.explaining.grounds import GROUNDS_SCHEMA
from pipelines.exploration.trust.regret import REGRET_SCHEMA, SUMMARY_SCHEMA
from pipelines.report import Explanation

TITLE, OTHER, NONE = "6 HBM stacks, 96 MB L2", "HBM4", "no change"
CHANGES = (("HBM stacks", 0.08, 0.12, 0.11), ("L2 cache", 0.05, 0.04, 0.06), ("clock", -0.01, 0.02, 0.02))


def explanation() -> Explanation:
    return Explanation(
        parts=pl.DataFrame([_part(*change) for change in CHANGES], schema=gain_frames.PARTS_SCHEMA),
        justified=pl.DataFrame([_justified()], schema=gain_frames.JUSTIFIED_SCHEMA),
        bill=pl.DataFrame([_billed(*row) for row in _BILL], schema=gain_frames.BILL_SCHEMA),
        elasticities=pl.DataFrame(list(_elasticities()), schema=gain_frames.ELASTICITY_SCHEMA),
        scenarios=pl.DataFrame(
            [
                {"scenario": "today", "kind": "today", "calls": 4000, "reason": None},
                {"scenario": "codex loop", "kind": "surface alone", "calls": 3000, "reason": None},
                {"scenario": "forecast p50", "kind": "left out", "calls": None, "reason": "the history is too short"},
            ],
            schema=overturn_frames.SCENARIO_SCHEMA,
        ),
        regret=pl.DataFrame(list(_regret()), schema=REGRET_SCHEMA),
        regret_summary=pl.DataFrame([_summed(*row) for row in _SUMMARY], schema=SUMMARY_SCHEMA),
        flips=pl.DataFrame([_flip(*row) for row in _FLIPS], schema=overturn_frames.FLIP_SCHEMA),
        software=pl.DataFrame([_software(*row) for row in _SOFTWARE], schema=overturn_frames.SOFTWARE_SCHEMA),
        grounds=pl.DataFrame([_ground(1, TITLE, "extrapolated"), _ground(2, OTHER, "assumed")], schema=GROUNDS_SCHEMA),
    )


def empty_explanation() -> Explanation:
    full = explanation()
    return Explanation(**{item.name: getattr(full, item.name).clear() for item in fields(full)})


_BILL = (
    ("family", "attention_decode", 0.4, 0.3),
    ("family", "gemm", 0.6, 0.7),
    ("binding_resource", "hbm", 0.7, 0.5),
    ("binding_resource", "latency", 0.3, 0.5),
    ("surface", "codex_loop", 1.0, 1.0),
)
_SUMMARY = tuple(
    (design, kind, method, most, is_best)
    for method in ("closed form", "replay")
    for design, kind, most, is_best in ((NONE, "baseline", 0.2, False), (TITLE, "finalist", 0.03, True))
)
_FLIPS = (
    ("price of HBM", NONE, 2.4, 1.001),
    ("sessions of multimodal", OTHER, 3.1, 1.2),
    ("length of prompts", NONE, None, None),
)
_SOFTWARE = (("the unchanged chip", False, 1.02), ("the unchanged chip", True, None), (TITLE, False, 1.25))


def _part(change: str, alone: float, lost: float, share: float) -> dict[str, Any]:
    return {
        "rank": 1,
        "title": TITLE,
        "parameter": change.replace(" ", "_"),
        "change": change,
        "alone_ratio": alone,
        "alone_replayed_ratio": alone * 0.8,
        "lost_ratio": lost,
        "lost_replayed_ratio": None,
        "shapley_ratio": share,
        "whole_ratio": 0.19,
        "whole_replayed_ratio": 0.17,
    }


def _justified() -> dict[str, Any]:
    words = "HBM stacks is justified by its limiter: HBM bandwidth binds 70% of the busy time before and 50% after."
    return {
        "rank": 1,
        "title": TITLE,
        "change": "HBM stacks",
        "resources": "HBM bandwidth",
        "before_ratio": 0.7,
        "after_ratio": 0.5,
        "is_justified": True,
        "words": words,
    }


def _billed(dimension: str, name: str, before: float, after: float) -> dict[str, Any]:
    return {
        "rank": 1,
        "title": TITLE,
        "dimension": dimension,
        "name": name,
        "baseline_time_ratio": before,
        "design_time_ratio": after,
        "baseline_cost_ratio": before,
        "design_cost_ratio": after * 0.84,
    }


def _elasticities() -> list[dict[str, Any]]:
    return [
        {
            "scenario": scenario,
            "at": at,
            "parameter": label.replace(" ", "_"),
            "label": label,
            "side": side,
            "before": 5.0,
            "after": 6.0,
            "gain_ratio": size * 0.2,
            "elasticity": size,
            "low": size - 0.2,
            "high": size + 0.2,
            "is_feasible": label != "clock",
        }
        for scenario in ("today", "codex loop")
        for at in ("baseline", "recommended")
        for label, sizes in (("HBM stacks", (0.7, 0.5)), ("clock", (0.2, -0.1)))
        for side, size in zip(("less", "more"), sizes, strict=True)
    ]


def _regret() -> list[dict[str, Any]]:
    return [
        {
            "design": design,
            "kind": kind,
            "scenario": scenario,
            "method": method,
            "over_baseline_ratio": 1.0 if design == NONE else 1.2,
            "regret_ratio": regret,
            "rank": rank,
        }
        for method in ("closed form", "replay")
        for design, kind, regret, rank in ((NONE, "baseline", 0.2, 2), (TITLE, "finalist", 0.03, 1))
        for scenario in ("today", "codex loop")
    ]


def _summed(design: str, kind: str, method: str, most: float, is_best: bool) -> dict[str, Any]:
    return {
        "design": design,
        "kind": kind,
        "method": method,
        "scenarios": 2,
        "most_ratio": most,
        "mean_ratio": most * 0.8,
        "top_ratio": 1.0,
        "is_minimax": is_best,
        "is_least_mean": is_best,
    }


def _flip(lever: str, rival: str, threshold: float | None, replayed: float | None) -> dict[str, Any]:
    return {
        "lever": lever,
        "rival": rival,
        "low": 0.25,
        "high": 8.0,
        "threshold": threshold,
        "replayed_ratio": replayed,
        "confirmed": replayed is not None and abs(replayed - 1.0) < 0.05,
    }


def _software(chip: str, is_risky: bool, replayed: float | None) -> dict[str, Any]:
    return {
        "chip": chip,
        "option": "up to 128 sequences, 2048 tokens a step, bf16 products",
        "is_risky": is_risky,
        "closed_form_ratio": 1.03,
        "replayed_ratio": replayed,
        "scored": 32,
        "replayed": 2,
    }


def _ground(rank: int, title: str, kind: str) -> dict[str, Any]:
    return {
        "rank": rank,
        "title": title,
        "kind": kind,
        "nearest_chip": "h200-sxm",
        "nearest_distance": 0.83,
        "change_distance": 1.19,
        "judged_low": 0.36,
        "judged_high": 2.26,
        "is_downgraded": kind == "assumed",
        "words": f"{kind}: nobody built this chip",
    }
