"""Level 0: every feasible point of a space and its value in closed form, for one scenario or for many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hwmodel.catalog import DesignTable
from hwmodel.design.closed_form import closed_form_fleets
from hwmodel.design.errors import NoDesign
from hwmodel.design.scenario import Scenario
from hwmodel.design.space import DesignSpace
from hwmodel.physical import LimitUse, limits, tco

SCORED_CURVES = ("value_per_usd_ratio", "value_usd_per_j")
"""The two searched objectives, named as the curves of an evaluation."""
UNSERVABLE = "memory for weights and contexts, or time per token"
THREADS_COUNT = 2
S_PER_H = 3600.0


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
    curves: Mapping[str, Float[np.ndarray, "designs scenarios"]]
    """By `SCORED_CURVES`: USD of value per USD of cost, and per J of all-in energy; 0 where a scenario's LLM does not
    fit."""
    legal_count: int
    """Points of the space, feasible or not."""
    refused: tuple[Refusal, ...]
    """By limit, the most frequent first; a point may break several."""
    row_of_baseline: tuple[int, ...]
    """The row that is the baseline itself, replayed as such; empty where it is not feasible."""

    @property
    def closed_form(self) -> Float[np.ndarray, "designs"]:
        """Value per USD in the first scenario."""
        return self.curves["value_per_usd_ratio"][:, 0]


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
    curves = closed_form_curves(inside, asked)
    able = curves["value_per_usd_ratio"][:, 0] > 0.0
    kept = feasible[able]
    if kept.size == 0:
        raise NoDesign(
            f"none of {len(points):,} points around {space.baseline.name} is both feasible ({feasible.size:,} are) and "
            f"able to serve {asked[0].name}; widen the space or name another LLM"
        )
    base = np.array(list(space.values_of_baseline().values()))
    return Scored(
        points=points[kept],
        designs=table.take(kept),
        features=space.features(points[kept]),
        scenarios=tuple(scenario.name for scenario in asked),
        curves={name: values[able] for name, values in curves.items()},
        legal_count=len(points),
        refused=_refusals(used, int(np.sum(~able))),
        row_of_baseline=tuple(np.flatnonzero(np.isclose(points[kept], base, atol=0.0).all(axis=1)).tolist()),
    )


def closed_form_value(designs: DesignTable, scenario: Scenario) -> Float[np.ndarray, "designs"]:
    """Promised value over cost in closed form, USD per USD; 0 where an LLM does not fit."""
    return closed_form_curves(designs, (scenario,))["value_per_usd_ratio"][:, 0]


def closed_form_curves(
    designs: DesignTable, scenarios: Sequence[Scenario]
) -> dict[str, Float[np.ndarray, "designs scenarios"]]:
    """Promised value over cost and over energy by `SCORED_CURVES`; 0 where an LLM of a scenario does not fit."""
    pools = [pool for scenario in scenarios for pool in scenario.pools]
    fleets = iter(closed_form_fleets(designs, pools, workers_count=THREADS_COUNT))
    cost = tco(designs)
    by_curve: dict[str, list[Float[np.ndarray, designs]]] = {name: [] for name in SCORED_CURVES}
    for scenario in scenarios:
        chips = np.sum([next(fleets).chips_needed * pool.traffic_ratio for pool in scenario.pools], axis=0)
        per_chip_h = sum(pool.offered_usd_per_h for pool in scenario.pools) / chips
        by_curve["value_per_usd_ratio"].append(per_chip_h / cost.typical_usd_per_chip_h)
        by_curve["value_usd_per_j"].append(per_chip_h / (cost.all_in_w * S_PER_H))
    return {name: np.stack(columns, axis=1) for name, columns in by_curve.items()}


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
