"""Stress tests: what may go wrong with a recommended design, each with the point at which it no longer pays."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.design.closed_form import closed_form_fleet
from hwmodel.design.evaluate import Evaluation
from hwmodel.design.scenario import Scenario
from hwmodel.design.search import CURVE
from hwmodel.physical import cost_constants, module_cost, months_that_eat, tco
from hwmodel.physical.cost_constants import DEFECTS_PER_M2, MARKUP_RATIO
from hwmodel.physical.tco import HOURS_PER_YEAR

ROUNDS = 12
RATES: dict[str, tuple[str, ...]] = {
    "hbm_stack_bytes_per_s": ("hbm_stacks_count", "hbm_stack_bytes_per_s"),
    "matrix_flop_per_clk": ("cores_count", "matrix_flop_per_clk", "clock_hz"),
    "vector_flop_per_clk": ("cores_count", "vector_flop_per_clk", "clock_hz"),
    "exponent_per_clk": ("cores_count", "exponent_per_clk", "clock_hz"),
    "l2_bytes_per_clk": ("l2_bytes_per_clk", "clock_hz"),
    "link_bytes_per_s": ("link_bytes_per_s",),
}
"""The number that is cut where the product of these has grown: what was promised of a part and may not come."""
LATENCIES = ("launch_latency_s", "collective_latency_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class StressRow:
    """One sensitivity run. Gains are of value per dollar over the baseline's, less 1."""

    risk: str
    what: str
    """What is varied, in words."""
    unit: str
    low: float
    """End of the range that changes nothing."""
    high: float
    """The other end."""
    gain_today_ratio: float
    gain_at_high_ratio: float
    flips_at: float | None
    """Where the baseline wins; None where the gain lasts over the whole range."""
    basis: str
    """How it was run, and where the range comes from: kind and source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A re-evaluated design beside its baseline."""

    scenario: Scenario
    baseline: Evaluation
    evaluation: Evaluation

    @property
    def ratio(self) -> float:
        """Value per dollar over the baseline's, as replayed."""
        return self.evaluation.curves[CURVE] / self.baseline.curves[CURVE]

    def chips(self, design: ChipDesign, scenario: Scenario | None = None) -> float:
        """Chips in closed form; infinite where it cannot serve."""
        table = DesignTable.of([design])
        pools = (scenario or self.scenario).pools
        return float(sum(closed_form_fleet(table, p).chips_needed[0] * p.traffic_ratio for p in pools))


def flip_point(ratio: Callable[[float], float], low: float, high: float) -> float | None:
    """Where a ratio that falls from `low` to `high` passes 1, by bisection; None where it stays above."""
    if ratio(low) <= 1.0:
        return low
    if ratio(high) > 1.0:
        return None
    for _ in range(ROUNDS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if ratio(middle) > 1.0 else (low, middle)
    return (low + high) / 2.0


def row_of(
    risk: str, what: str, *, unit: str, low: float, high: float, ratio: Callable[[float], float], basis: str
) -> StressRow:
    """A row from the ratio of value per dollar as a function of what is varied."""
    ratio = cache(ratio)
    return StressRow(
        risk=risk,
        what=what,
        unit=unit,
        low=low,
        high=high,
        gain_today_ratio=ratio(low) - 1.0,
        gain_at_high_ratio=ratio(high) - 1.0,
        flips_at=flip_point(ratio, low, high),
        basis=basis,
    )


def missed(baseline: ChipDesign, design: ChipDesign, short: float) -> ChipDesign:
    """The design with every part that was improved short of its claim by a share; what it costs is not touched."""
    cut: dict[str, Any] = {}
    for number, product in RATES.items():
        grown = np.prod([getattr(design, n) / getattr(baseline, n) for n in product])
        if grown > 1.0 + 1e-9:
            cut[number] = getattr(design, number) * (1.0 - short)
    for name in LATENCIES:
        if getattr(design, name) < getattr(baseline, name) * (1.0 - 1e-9):
            cut[name] = getattr(design, name) / (1.0 - short)
    return replace(design, **cut)


def claims_miss(judged: Judged) -> StressRow:
    """Changed parts reach less than their data sheet says; the price stays."""
    base, design = judged.baseline.design, judged.evaluation.design
    whole = judged.chips(design)
    return row_of(
        "claims miss",
        "efficiency of every improved part",
        unit="% below its claim",
        low=0.0,
        high=60.0,
        ratio=lambda short: judged.ratio * whole / judged.chips(missed(base, design, short / 100.0)),
        basis="closed form, scaled to the replay; range assumed",
    )


def deployment_delay(judged: Judged) -> StressRow:
    """The chip comes late, and the market goes on meanwhile."""
    eaten = months_that_eat(judged.ratio - 1.0)
    return row_of(
        "deployment friction",
        "delay beyond plan",
        unit="months",
        low=0.0,
        high=36.0,
        ratio=lambda months: judged.ratio if eaten == 0.0 else judged.ratio ** (1.0 - months / eaten),
        basis="the same money buys 1.3 times as much on the market each year (assumed, 1.15 to 1.5)",
    )


def low_yield(judged: Judged) -> StressRow:
    """More defects than the process has today, on the new design alone."""
    table = DesignTable.of([judged.evaluation.design])
    dies = float(module_cost(table).dies_usd[0])
    node = judged.evaluation.design.node
    range_ratio = DEFECTS_PER_M2[node].high / DEFECTS_PER_M2[node].typical
    return row_of(
        "deployment friction",
        "cost of good dies (yield)",
        unit="x",
        low=1.0,
        high=4.0,
        ratio=lambda factor: judged.ratio / _dearer(judged, dies * (factor - 1.0)),
        basis=f"cost model; the sources' defects in {node} reach {range_ratio:.1f} times the typical (published range)",
    )


def _dearer(judged: Judged, module_usd: float) -> float:
    """Cost per chip-hour over today's when the module costs so much more."""
    c = cost_constants
    hours = c.CHIP_LIFE_YEARS.typical * HOURS_PER_YEAR * c.UTILISATION_RATIO.typical
    more = module_usd * MARKUP_RATIO["in_house"].typical * (1.0 + c.NETWORK_RATIO.typical) / hours
    return 1.0 + more / judged.evaluation.usd_per_chip_h


def cost_opacity(judged: Judged) -> StressRow:
    """Nobody outside knows the all-in cost: the design's alone moves."""
    cost = tco(DesignTable.of([judged.evaluation.design]))
    typical, high = float(cost.typical_usd_per_chip_h[0]), float(cost.high_usd_per_chip_h[0])
    return row_of(
        "cost opacity",
        "all-in cost of the new chip alone",
        unit="x",
        low=1.0,
        high=max(high / typical, 2.0),
        ratio=lambda factor: judged.ratio / factor,
        basis=f"every constant of cost at its dear end gives {high / typical:.2f}x (bound, not an interval)",
    )
