"""Single steps: one parameter of a point moved to the next of its legal levels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from hwmodel.catalog import ChipDesign
from hwmodel.design.space.design_space import DesignSpace
from hwmodel.design.space.parameter import Parameter

Point = Float[np.ndarray, "parameters"]

LESS_IS_MORE = frozenset({"launch_latency_s", "collective_latency_s"})
"""Parameters of which less is better."""
CHOICES = frozenset({"node", "fabric"})
"""Parameters whose levels have no ratio."""
SCALES: Mapping[str, str] = MappingProxyType(
    {"hbm_generation": "hbm_stack_bytes_per_s", "hbm_extra_dies_count": "hbm_stack_bytes"}
)
"""Numbers of a design that counted parameters stand for."""


def relieves(parameter: str, before: float, after: float) -> bool:
    """Whether a change adds to a resource: more of it, or a shorter latency."""
    return (after > before) != (parameter in LESS_IS_MORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One parameter of a point moved to the next level on one side."""

    parameter: str
    column: int
    """Of the space's points."""
    before: float
    after: float

    @property
    def side(self) -> str:
        """`less` or `more` of the parameter's number."""
        return "less" if self.after < self.before else "more"

    @property
    def relieves(self) -> bool:
        """Whether it adds to a resource."""
        return relieves(self.parameter, self.before, self.after)

    def log_change(self, before: ChipDesign, after: ChipDesign) -> float | None:
        """Log ratio of the number that is moved.

        Of a memory generation it is that of the rate per stack, of extra dies that of the bytes per stack; None where
        there is no ratio.

        Args:
            before: The point's design.
            after: The stepped one.
        """
        if self.parameter in CHOICES:
            return None
        scale = SCALES.get(self.parameter)
        one, other = (self.before, self.after) if scale is None else (getattr(before, scale), getattr(after, scale))
        if one <= 0.0 or other <= 0.0 or np.isclose(one, other, atol=0.0):
            return None
        return float(np.log(other / one))


def steps_around(space: DesignSpace, point: Point) -> list[Step]:
    """Every step of one parameter to its next legal level, less before more."""
    return [
        Step(parameter=parameter.name, column=column, before=float(point[column]), after=level)
        for column, parameter in enumerate(space.parameters)
        for level in next_levels(parameter, float(point[column]))
    ]


def stepped(point: Point, steps: Sequence[Step]) -> Float[np.ndarray, "rows parameters"]:
    """The point, then one row per step."""
    moved = np.repeat(point[None, :], len(steps) + 1, axis=0)
    for row, step in enumerate(steps, start=1):
        moved[row, step.column] = step.after
    return moved


def next_levels(parameter: Parameter, value: float) -> list[float]:
    """The next legal level below and above a value, where there is one."""
    others = [level for level in parameter.levels if not np.isclose(level, value, atol=0.0)]
    below, above = [v for v in others if v < value], [v for v in others if v > value]
    return [*([max(below)] if below else []), *([min(above)] if above else [])]
