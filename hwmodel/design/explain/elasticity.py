"""Elasticities: by how many per cent value per dollar moves with one per cent of a parameter, to either side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hwmodel.catalog import DesignTable
from hwmodel.design.explain.corners import Point
from hwmodel.design.explain.worth import Worth
from hwmodel.design.scenario import Scenario
from hwmodel.design.silicon import silicon_interval
from hwmodel.design.space import DesignSpace, Step, stepped, steps_around
from hwmodel.physical import limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Elasticity:
    """One parameter, one step to one side, at one design."""

    parameter: str
    side: str
    """`less` or `more` of the parameter's number."""
    before: float
    after: float
    """The next legal level on that side."""
    gain_ratio: float
    """Value per dollar after the step over before, minus 1."""
    elasticity: float | None
    """dlog(value per dollar) / dlog(parameter) over the step; see `Step.log_change`; None for choices that have no
    ratio, such as a process."""
    low: float | None
    high: float | None
    """Range of the elasticity under the silicon interval of the step."""
    is_feasible: bool
    """Whether the stepped design keeps the limits of a chip."""


def elasticities(space: DesignSpace, point: Point, scenarios: Sequence[Scenario]) -> dict[str, tuple[Elasticity, ...]]:
    """Elasticities around a point by name of the scenario, in closed form."""
    steps = steps_around(space, point)
    worth = Worth(designs=space.designs(stepped(point, steps)))
    return {s.name: elasticities_of(space, steps, worth.designs, worth.of(s)) for s in scenarios}


def elasticities_of(
    space: DesignSpace,
    steps: Sequence[Step],
    table: DesignTable,
    values: Float[np.ndarray, "designs"],
) -> tuple[Elasticity, ...]:
    """Both sides of every parameter around a point, to the next legal level.

    The step is a legal one, not a derivative's: power classes make the cost of a chip a staircase, on which a smaller
    step tells nothing. A side without a level, or on which the demand cannot be served, is left out.

    Args:
        space: Where the point lies.
        steps: From `steps_around`.
        table: The point's design, then those of the steps.
        values: Their value per dollar; any scale.
    """
    feasible = limits(table, baseline=space.baseline).feasible
    before = table.row(0)
    made = []
    for row, step in enumerate(steps, start=1):
        if values[row] <= 0.0 or values[0] <= 0.0:
            continue
        after = table.row(row)
        ratio, log_change = float(values[row] / values[0]), step.log_change(before, after)
        logs = [float(np.log(end)) for end in (ratio, *silicon_interval(before, after, ratio))]
        told = None if log_change is None else [log / log_change for log in logs]
        made.append(
            Elasticity(
                parameter=step.parameter,
                side=step.side,
                before=step.before,
                after=step.after,
                gain_ratio=ratio - 1.0,
                elasticity=told[0] if told else None,
                low=min(told) if told else None,
                high=max(told) if told else None,
                is_feasible=bool(feasible[row]),
            )
        )
    return tuple(made)
