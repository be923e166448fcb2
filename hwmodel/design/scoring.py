"""Level 0: every feasible point of a space and its value in closed form."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from joblib import Parallel, delayed

from hwmodel.catalog import DesignTable
from hwmodel.design.closed_form import closed_form_fleet
from hwmodel.design.errors import NoDesign
from hwmodel.design.scenario import Scenario
from hwmodel.design.space import DesignSpace
from hwmodel.physical import limits, tco

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
class Scored:
    """The feasible designs of a space and their values per dollar, in USD of value per USD of cost."""

    points: Float[np.ndarray, "designs parameters"]
    designs: DesignTable
    features: Float[np.ndarray, "designs parameters"]
    closed: ClosedForm
    legal_count: int
    """Points of the space, feasible or not."""
    row_of_baseline: tuple[int, ...]
    """The row that is the baseline itself, replayed as such; empty where it is not feasible."""

    @property
    def closed_form(self) -> Float[np.ndarray, "designs"]:
        """Value per dollar in closed form."""
        return self.closed.value_per_usd_ratio


def score(space: DesignSpace, scenario: Scenario) -> Scored:
    """Closed form over every feasible point of the space.

    Raises:
        NoDesign: Nothing is feasible, or nothing can serve the scenario.
    """
    points = space.points()
    designs = space.designs(points)
    feasible = np.flatnonzero(limits(designs, baseline=space.baseline).feasible)
    table = designs.take(feasible)
    closed = closed_form_of(table, scenario) if feasible.size else None
    able = np.flatnonzero(closed.value_per_usd_ratio > 0.0) if closed else feasible
    if closed is None or able.size == 0:
        raise NoDesign(
            f"none of {len(points):,} points around {space.baseline.name} is both feasible ({feasible.size:,} are) and "
            f"able to serve {scenario.name}; widen the space or name another LLM"
        )
    kept = points[feasible][able]
    base = np.array(list(space.values_of_baseline().values()))
    return Scored(
        points=kept,
        designs=table.take(able),
        features=space.features(kept),
        closed=closed.take(able),
        legal_count=len(points),
        row_of_baseline=tuple(np.flatnonzero(np.isclose(kept, base).all(axis=1)).tolist()),
    )


def closed_form_of(designs: DesignTable, scenario: Scenario) -> ClosedForm:
    """Fleet and promised value over cost and energy of every design."""
    side_by_side = Parallel(n_jobs=2, prefer="threads")
    fleets = side_by_side(delayed(closed_form_fleet)(designs, pool) for pool in scenario.pools)
    chips = np.stack([f.chips_needed * p.traffic_ratio for f, p in zip(fleets, scenario.pools, strict=True)], axis=1)
    offered = sum(p.offered_usd_per_h for p in scenario.pools)
    cost = tco(designs)
    return ClosedForm(
        value_per_usd_ratio=offered / (chips.sum(axis=1) * cost.typical_usd_per_chip_h),
        value_usd_per_j=offered / (chips.sum(axis=1) * cost.all_in_w * S_PER_H),
        chips_by_pool=chips,
        tp_by_pool=np.stack([f.tp_count for f in fleets], axis=1).astype(np.float64),
    )


def closed_form_value(designs: DesignTable, scenario: Scenario) -> Float[np.ndarray, "designs"]:
    """Promised value over cost in closed form, USD per USD; 0 where an LLM does not fit."""
    return closed_form_of(designs, scenario).value_per_usd_ratio
