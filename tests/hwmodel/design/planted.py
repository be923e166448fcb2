"""Planted demands: calls of one shape per surface at fixed distances, small enough that a design is judged quickly."""

from datetime import timedelta
from functools import cache
from typing import Any

from hwmodel.catalog import ChipDesign, design_of, load_catalog
from hwmodel.design import AbandonmentModel, CellSize, Scenario, scenario_of
from hwmodel.design.risk.planted_demand import START, Shape, demand_of, policy_of

__all__ = ["LLM", "START", "TINY_CELL", "Shape", "demand_of", "h100", "planted", "policy_of"]

TINY_CELL = CellSize(window_s=40.0, lead_in_s=10.0, replicas_count=2.0, widths_count=2)
LLM = "llama-3.1-8b"


@cache
def h100() -> ChipDesign:
    return design_of(load_catalog().chip("h100-sxm"), allow_estimates=False)


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
