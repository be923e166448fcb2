"""Level 0: every feasible point of a space and its value in closed form."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from joblib import Parallel, delayed

from hwmodel.catalog import DesignTable
from hwmodel.design.closed_form import closed_form_fleet
from hwmodel.design.errors import NoDesign
from hwmodel.design.scenario import Scenario
from hwmodel.design.space import DesignSpace
from hwmodel.physical import limits, tco


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The feasible designs of a space and their values per dollar, in USD of value per USD of cost."""

    points: Float[np.ndarray, "designs parameters"]
    designs: DesignTable
    features: Float[np.ndarray, "designs parameters"]
    closed_form: Float[np.ndarray, "designs"]
    legal_count: int
    """Points of the space, feasible or not."""
    row_of_baseline: tuple[int, ...]
    """The row that is the baseline itself, replayed as such; empty where it is not feasible."""


def score(space: DesignSpace, scenario: Scenario) -> Scored:
    """Closed form over every feasible point of the space.

    Raises:
        NoDesign: Nothing is feasible, or nothing can serve the scenario.
    """
    points = space.points()
    designs = space.designs(points)
    feasible = np.flatnonzero(limits(designs, baseline=space.baseline).feasible)
    table = designs.take(feasible)
    value = closed_form_value(table, scenario)
    able = np.flatnonzero(value > 0.0)
    if able.size == 0:
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
        closed_form=value[able],
        legal_count=len(points),
        row_of_baseline=tuple(np.flatnonzero(np.isclose(kept, base).all(axis=1)).tolist()),
    )


def closed_form_value(designs: DesignTable, scenario: Scenario) -> Float[np.ndarray, "designs"]:
    """Promised value over cost in closed form, USD per USD; 0 where an LLM does not fit."""
    side_by_side = Parallel(n_jobs=2, prefer="threads")
    fleets = side_by_side(delayed(closed_form_fleet)(designs, pool) for pool in scenario.pools)
    chips = np.sum([f.chips_needed * p.traffic_ratio for f, p in zip(fleets, scenario.pools, strict=True)], axis=0)
    offered = sum(p.offered_usd_per_h for p in scenario.pools)
    return offered / (chips * tco(designs).typical_usd_per_chip_h)
