"""Designs between a baseline and a finalist: some of the changes made, the others not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from hwmodel.catalog import ChipDesign
from hwmodel.design.evaluate import Evaluation, evaluate_many
from hwmodel.design.scenario import Scenario
from hwmodel.design.space import DesignSpace

Point = Float[np.ndarray, "parameters"]


def changed_columns(space: DesignSpace, point: Point) -> tuple[int, ...]:
    """Columns in which a point differs from the baseline."""
    return tuple(np.flatnonzero(space.is_changed(point)).tolist())


def corner(space: DesignSpace, point: Point, columns: Sequence[int]) -> Point:
    """The baseline with some of a point's values."""
    made = space.base_point
    made[list(columns)] = point[list(columns)]
    return made


def rated_designs(space: DesignSpace, points: Sequence[Point]) -> list[ChipDesign]:
    """Points as rated designs."""
    table = space.designs(np.stack(points))
    return [table.row(at) for at in range(len(points))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replays:
    """Replays of one scenario, each design at most once: explanations ask for many of the same designs."""

    scenario: Scenario
    known: dict[str, Evaluation | None] = field(default_factory=dict)
    """By name of the design; None where no fleet keeps the promises."""

    def of(self, designs: Sequence[ChipDesign]) -> list[Evaluation | None]:
        """Evaluations in the order of the designs."""
        missing = {design.name: design for design in designs if design.name not in self.known}
        if missing:
            found = evaluate_many(list(missing.values()), self.scenario)
            self.known.update(zip(missing, found, strict=True))
        return [self.known[design.name] for design in designs]

    def knows(self, design: ChipDesign) -> bool:
        """Whether the design was replayed already."""
        return design.name in self.known
