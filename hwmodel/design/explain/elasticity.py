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
from hwmodel.design.space import DesignSpace, Parameter
from hwmodel.design.space.parameter import STEPS
from hwmodel.physical import limits

Step = tuple[Parameter, int, str, float]
"""Parameter, its column, side, and the level on that side."""


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
    """dlog(value per dollar) / dlog(parameter) over the step; of a memory generation, per its rate per stack; None for
    choices that have no ratio, such as a process."""
    low: float | None
    high: float | None
    """Range of the elasticity under the silicon interval of the step."""
    is_feasible: bool
    """Whether the stepped design keeps the limits of a chip."""


def elasticities(space: DesignSpace, point: Point, scenarios: Sequence[Scenario]) -> dict[str, tuple[Elasticity, ...]]:
    """Elasticities around a point by name of the scenario, in closed form."""
    steps = steps_around(space, point)
    worth = Worth(designs=space.designs(stepped(point, steps)))
    return {s.name: elasticities_of(space, point, steps, worth.designs, worth.of(s)) for s in scenarios}


def elasticities_of(
    space: DesignSpace,
    point: Point,
    steps: Sequence[Step],
    table: DesignTable,
    values: Float[np.ndarray, "designs"],
) -> tuple[Elasticity, ...]:
    """Both sides of every parameter around a point, to the next legal level.

    The step is a legal one, not a derivative's: power classes make the cost of a chip a staircase, on which a smaller
    step tells nothing. A side without a level, or on which the demand cannot be served, is left out.

    Args:
        space: Where the point lies.
        point: The design.
        steps: From `steps_around`.
        table: The point's design, then those of the steps.
        values: Their value per dollar; any scale.
    """
    moved = stepped(point, steps)
    feasible = limits(table, baseline=space.baseline).feasible
    made = []
    for row, (parameter, column, side, level) in enumerate(steps, start=1):
        step = _log_step(space, moved[0], moved[row], parameter, column)
        if values[row] <= 0.0 or values[0] <= 0.0:
            continue
        ratio = float(values[row] / values[0])
        logs = [float(np.log(end)) for end in (ratio, *silicon_interval(table.row(0), table.row(row), ratio))]
        told = None if step is None else [log / step for log in logs]
        made.append(
            Elasticity(
                parameter=parameter.name,
                side=side,
                before=float(point[column]),
                after=level,
                gain_ratio=ratio - 1.0,
                elasticity=told[0] if told else None,
                low=min(told) if told else None,
                high=max(told) if told else None,
                is_feasible=bool(feasible[row]),
            )
        )
    return tuple(made)


def steps_around(space: DesignSpace, point: Point) -> list[Step]:
    """Every step of one parameter to its next legal level."""
    return [
        (parameter, column, side, level)
        for column, parameter in enumerate(space.parameters)
        for side, level in neighbours(parameter, float(point[column]))
    ]


def stepped(point: Point, steps: Sequence[Step]) -> Float[np.ndarray, "rows parameters"]:
    """The point, then one row per step."""
    moved = np.repeat(point[None, :], len(steps) + 1, axis=0)
    for row, (_, column, _, level) in enumerate(steps, start=1):
        moved[row, column] = level
    return moved


def neighbours(parameter: Parameter, value: float) -> list[tuple[str, float]]:
    """The next legal level below and above a value, where there is one."""
    others = [level for level in parameter.levels if not np.isclose(level, value, atol=0.0)]
    below, above = [v for v in others if v < value], [v for v in others if v > value]
    return [*([("less", max(below))] if below else []), *([("more", min(above))] if above else [])]


def _log_step(space: DesignSpace, before: Point, after: Point, parameter: Parameter, column: int) -> float | None:
    """Log ratio of the stepped number; of a memory generation that of its rate; None where there is no ratio."""
    one, other = float(before[column]), float(after[column])
    if parameter.name == "hbm_generation":
        one, other = (_stack_rate(space, point) for point in (before, after))
    elif parameter.name in STEPS:
        return None
    if one <= 0.0 or other <= 0.0 or np.isclose(one, other, atol=0.0):
        return None
    return float(np.log(other / one))


def _stack_rate(space: DesignSpace, point: Sequence[float] | Point) -> float:
    return space.design(dict(zip(space.names, map(float, point), strict=True))).hbm_stack_bytes_per_s
