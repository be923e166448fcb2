"""Level 0: every feasible point of a space and its value in closed form, for one scenario or for many."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hwmodel.catalog import DesignTable
from hwmodel.design.closed_form import ClosedFormFleet, closed_form_fleets
from hwmodel.design.errors import NoDesign
from hwmodel.design.scenario import Scenario
from hwmodel.design.space import DesignSpace
from hwmodel.physical import LimitUse, Tco, limits, tco

SCORED_CURVES = ("value_per_usd_ratio", "value_usd_per_j")
"""The two searched objectives, named as the curves of an evaluation."""
UNSERVABLE = "memory for weights and contexts, or time per token"
THREADS_COUNT = 2
S_PER_H = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedForm:
    """What the closed form says of designs for one scenario; arrays have one row per design."""

    value_per_usd_ratio: Float[np.ndarray, "designs"]
    """Promised value over cost; 0 where an LLM does not fit. So the next."""
    value_usd_per_j: Float[np.ndarray, "designs"]
    chips_by_pool: Float[np.ndarray, "designs pools"]
    """Chips of the whole traffic; infinite where the LLM does not fit."""
    tp_by_pool: Float[np.ndarray, "designs pools"]
    """Tensor-parallel width of the cheapest deployment."""

    def take(self, rows: Int[np.ndarray, "chosen"]) -> "ClosedForm":
        """Some of the designs."""
        return ClosedForm(
            value_per_usd_ratio=self.value_per_usd_ratio[rows],
            value_usd_per_j=self.value_usd_per_j[rows],
            chips_by_pool=self.chips_by_pool[rows],
            tp_by_pool=self.tp_by_pool[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Points that one limit refuses."""

    reason: str
    points_count: int
    alone_count: int
    """Of these, points that keep every other limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The feasible designs of a space and their values in closed form."""

    points: Float[np.ndarray, "designs parameters"]
    designs: DesignTable
    features: Float[np.ndarray, "designs parameters"]
    scenarios: tuple[str, ...]
    closed_forms: tuple[ClosedForm, ...]
    """One per scenario."""
    legal_count: int
    """Points of the space, feasible or not."""
    refused: tuple[Refusal, ...]
    """By limit, the most frequent first; a point may break several."""
    row_of_baseline: tuple[int, ...]
    """The row that is the baseline itself, replayed as such; empty where it is not feasible."""

    @property
    def closed(self) -> ClosedForm:
        """What the first scenario's closed form says."""
        return self.closed_forms[0]

    def of(self, scenario: str) -> ClosedForm:
        """What the closed form says of one of the scenarios, by its name."""
        return self.closed_forms[self.scenarios.index(scenario)]

    @property
    def closed_form(self) -> Float[np.ndarray, "designs"]:
        """Value per USD in the first scenario."""
        return self.closed.value_per_usd_ratio

    @property
    def curves(self) -> dict[str, Float[np.ndarray, "designs scenarios"]]:
        """By `SCORED_CURVES`: USD of value per USD of cost, and per J of all-in energy; 0 where an LLM does not fit."""
        return {name: np.stack([getattr(c, name) for c in self.closed_forms], axis=1) for name in SCORED_CURVES}


def score(space: DesignSpace, scenarios: Scenario | Sequence[Scenario]) -> Scored:
    """Closed form over every feasible point of the space.

    Args:
        space: Around the incumbent.
        scenarios: The first is the one that every design must be able to serve.

    Raises:
        NoDesign: Nothing is feasible, or nothing can serve the first scenario.
    """
    asked = (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios)
    points = space.points()
    table, used = _judged(space, points)
    feasible = np.flatnonzero(used.feasible)
    inside = table.take(feasible)
    forms = closed_forms(inside, asked) if feasible.size else ()
    able = np.flatnonzero(forms[0].value_per_usd_ratio > 0.0) if forms else feasible
    kept = feasible[able]
    if kept.size == 0:
        raise NoDesign(
            f"none of {len(points):,} points around {space.baseline.name} is both feasible ({feasible.size:,} are) and "
            f"able to serve {asked[0].name}; widen the space or name another LLM"
        )
    return Scored(
        points=points[kept],
        designs=table.take(kept),
        features=space.features(points[kept]),
        scenarios=tuple(scenario.name for scenario in asked),
        closed_forms=tuple(form.take(able) for form in forms),
        legal_count=len(points),
        refused=_refusals(used, feasible.size - able.size),
        row_of_baseline=tuple(np.flatnonzero(~space.is_changed(points[kept]).any(axis=1)).tolist()),
    )


def closed_form_value(designs: DesignTable, scenario: Scenario) -> Float[np.ndarray, "designs"]:
    """Promised value over cost in closed form, USD per USD; 0 where an LLM does not fit."""
    return closed_form_of(designs, scenario).value_per_usd_ratio


def closed_form_of(designs: DesignTable, scenario: Scenario) -> ClosedForm:
    """Fleet and promised value over cost and energy of every design, for one scenario."""
    return closed_forms(designs, (scenario,))[0]


def closed_forms(designs: DesignTable, scenarios: Sequence[Scenario]) -> tuple[ClosedForm, ...]:
    """The same for several scenarios at once: what they share is timed once."""
    pools = [pool for scenario in scenarios for pool in scenario.pools]
    fleets = iter(closed_form_fleets(designs, pools, workers_count=THREADS_COUNT))
    cost = tco(designs)
    return tuple(_closed_form(scenario, [next(fleets) for _ in scenario.pools], cost) for scenario in scenarios)


def _closed_form(scenario: Scenario, fleets: Sequence[ClosedFormFleet], cost: Tco) -> ClosedForm:
    pairs = zip(fleets, scenario.pools, strict=True)
    chips = np.stack([fleet.chips_needed * pool.traffic_ratio for fleet, pool in pairs], axis=1)
    per_chip_h = sum(pool.offered_usd_per_h for pool in scenario.pools) / chips.sum(axis=1)
    return ClosedForm(
        value_per_usd_ratio=per_chip_h / cost.typical_usd_per_chip_h,
        value_usd_per_j=per_chip_h / (cost.all_in_w * S_PER_H),
        chips_by_pool=chips,
        tp_by_pool=np.stack([fleet.tp_count for fleet in fleets], axis=1).astype(np.float64),
    )


def _judged(space: DesignSpace, points: Float[np.ndarray, "designs parameters"]) -> tuple[DesignTable, LimitUse]:
    table = space.designs(points)
    return table, limits(table, baseline=space.baseline)


def _refusals(used: LimitUse, unservable_count: int) -> tuple[Refusal, ...]:
    broken: Bool[np.ndarray, "limits designs"] = np.stack([limit.is_broken for limit in used.all])
    alone = broken & (broken.sum(axis=0) == 1)
    counts = zip(used.all, broken.sum(axis=1).tolist(), alone.sum(axis=1).tolist(), strict=True)
    found = [Refusal(reason=limit.name, points_count=some, alone_count=one) for limit, some, one in counts if some]
    if unservable_count:
        found.append(Refusal(reason=UNSERVABLE, points_count=unservable_count, alone_count=unservable_count))
    return tuple(sorted(found, key=lambda refusal: -refusal.points_count))
