"""Planted demands: calls of one shape per surface at fixed distances, small enough that a design is judged quickly."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import polars as pl

from hwmodel.catalog import ChipDesign, design_of, load_catalog
from hwmodel.design import AbandonmentModel, CellSize, Scenario, scenario_of
from warehouse.contracts import DemandCalls, ServingPolicy

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
TINY_CELL = CellSize(window_s=40.0, lead_in_s=10.0, replicas_count=2.0, widths_count=2)
LLM = "llama-3.1-8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sessions of one surface: so many a second, each of `steps` calls `gap_s` after another, prompts growing."""

    surface: str = "codex_loop"
    sessions_per_s: float = 2.0
    steps: int = 2
    gap_s: float = 3.0
    input_tokens: int = 3000
    output_tokens: int = 150
    value_usd_per_mtoken: float = 10.0
    ttft_limit_s: float = 4.0
    tpot_limit_s: float = 0.04
    llm: str = LLM


@cache
def h100() -> ChipDesign:
    return design_of(load_catalog().chip("h100-sxm"), allow_estimates=False)


def demand_of(shapes: Sequence[Shape], *, span_s: float) -> pl.DataFrame:
    """Valid under `DemandCalls`; every call holds the one before it as its shared prefix."""
    rows = [row for shape in shapes for row in _calls(shape, span_s)]
    return DemandCalls.validate(pl.DataFrame(rows), cast=True)


def policy_of(shapes: Sequence[Shape]) -> pl.DataFrame:
    """Valid under `ServingPolicy`: one interactive level per shape."""
    rows = [
        {
            "surface": shape.surface,
            "service_tier": "interactive",
            "llm": shape.llm,
            "ttft_limit_s": shape.ttft_limit_s,
            "tpot_limit_s": shape.tpot_limit_s,
            "attainment_target_ratio": 0.9,
            "value_usd_per_token": shape.value_usd_per_mtoken * 1e-6,
            "value_low_usd_per_token": shape.value_usd_per_mtoken * 0.5e-6,
            "value_high_usd_per_token": shape.value_usd_per_mtoken * 2e-6,
            "paid_ratio": 1.0,
            "patience_class": "planted",
            "source": "planted",
            "kind": "assumed",
        }
        for shape in shapes
    ]
    return ServingPolicy.validate(pl.DataFrame(rows), cast=True)


def planted(*shapes: Shape, **changes: Any) -> Scenario:
    """The scenario of some shapes on the tiny cell, users never leaving unless told otherwise."""
    cell = changes.get("cell", TINY_CELL)
    asked = {
        "name": "planted",
        "baseline": h100(),
        "catalog": load_catalog(),
        "abandonment": AbandonmentModel.nobody_leaves(),
        "window_start": START + timedelta(seconds=cell.lead_in_s),
        "cell": cell,
        "traffic_ratio": 1.0,
        "seed": 1,
    } | changes
    chosen = shapes or (Shape(),)
    return scenario_of(demand_of(chosen, span_s=cell.lead_in_s + cell.window_s), policy_of(chosen), **asked)


def _calls(shape: Shape, span_s: float) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number in range(int(span_s * shape.sessions_per_s)):
        began = START + timedelta(seconds=number / shape.sessions_per_s)
        session = f"{shape.surface}-{number:04d}"
        for step in range(shape.steps):
            before = f"{session}-{step - 1}" if step else None
            rows.append(
                {
                    "call_id": f"{session}-{step}",
                    "session_id": session,
                    "turn_id": step,
                    "step_index": step,
                    "starts_after_call_id": before,
                    "gap_s": shape.gap_s if step else 0.0,
                    "requested_at": began + timedelta(seconds=step * (shape.gap_s + 1.0)),
                    "input_tokens": shape.input_tokens * (step + 1),
                    "parent_call_id": before,
                    "shared_prefix_tokens": shape.input_tokens * step,
                    "output_tokens": shape.output_tokens + 7 * (number % 5),
                    "image_tokens": 0,
                    "surface": shape.surface,
                    "service_tier": "interactive",
                    "tenant_id": "planted",
                    "llm": shape.llm,
                    "patience_class": "planted",
                    "value_usd_per_token": shape.value_usd_per_mtoken * 1e-6,
                    "paid": True,
                    "weight_ratio": 1.0,
                    "imputed": False,
                    "day": began.date(),
                }
            )
    return rows
