"""The design space: the points around a baseline and the designs that they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hwmodel.catalog import NUMERIC_FIELDS, ChipDesign, DesignTable
from hwmodel.design.space.columns import read, table_of
from hwmodel.design.space.naming import design_id
from hwmodel.design.space.parameter import STEPS, Parameter, parameters_around
from hwmodel.design.space.points import points_within
from hwmodel.design.space.rating import rated

MOST_CHANGES_COUNT = 5
"""Changes at once that an architecture review can weigh (0020)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignSpace:
    """All combinations of legal levels within so many changes of a baseline."""

    baseline: ChipDesign
    parameters: tuple[Parameter, ...]
    most_changes_count: int = MOST_CHANGES_COUNT

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters in order."""
        return tuple(p.name for p in self.parameters)

    def values_of_baseline(self) -> dict[str, float]:
        """The baseline as a point of the space."""
        return self.values_of(self.baseline)

    @property
    def base_point(self) -> Float[np.ndarray, "parameters"]:
        """The baseline as a row of `points`."""
        return np.array(list(self.values_of_baseline().values()))

    def values_of(self, chip: ChipDesign) -> dict[str, float]:
        """Any chip as values of the parameters, between levels too; `outside` says what they leave out.

        Raises:
            BadSpace: The chip's process is not one of the space.
        """
        return {name: read(self.baseline, chip, name) for name in self.names}

    def outside(self, chip: ChipDesign) -> tuple[str, ...]:
        """Numbers of a chip that no value of the parameters gives it; its TDP, which follows from them, aside."""
        same = self.design(self.values_of(chip))
        numbers = [
            n for n in NUMERIC_FIELDS if n != "tdp_w" and not np.isclose(getattr(same, n), getattr(chip, n), atol=0.0)
        ]
        return (*numbers, *(n for n in ("node", "fabric") if getattr(same, n) != getattr(chip, n)))

    def points(self) -> Float[np.ndarray, "designs parameters"]:
        """Every combination of levels within `most_changes_count` of the baseline, columns as `parameters`."""
        return points_within(self.parameters, self.base_point.tolist(), self.most_changes_count)

    def designs(self, points: Float[np.ndarray, "designs parameters"]) -> DesignTable:
        """Points as chip designs, each rated at the smallest TDP class that takes its power."""
        values = dict(zip(self.names, np.asarray(points, dtype=np.float64).T, strict=True))
        return rated(table_of(self.baseline, values, self.ids(points)), baseline=self.baseline)

    def design(self, values: Mapping[str, float]) -> ChipDesign:
        """One point as a chip design, TDP still the baseline's; see `designs` for rated ones."""
        name = design_id(self._changed(values), self.baseline.name)
        columns = {parameter: np.array([value]) for parameter, value in values.items()}
        return table_of(self.baseline, columns, (name,)).row(0)

    def ids(self, points: Float[np.ndarray, "designs parameters"]) -> tuple[str, ...]:
        """Readable ids of points."""
        names = self.names
        return tuple(
            design_id({names[at]: row[at] for at in np.flatnonzero(which).tolist()}, self.baseline.name)
            for row, which in zip(np.asarray(points).tolist(), self.is_changed(points), strict=True)
        )

    def features(self, points: Float[np.ndarray, "designs parameters"]) -> Float[np.ndarray, "designs parameters"]:
        """Points as the learned model takes them: log2 over the baseline (what is counted in steps, as steps)."""
        base = self.base_point
        is_step = np.array([name in STEPS for name in self.names])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(is_step, points - base, np.log2(points / base))

    def changes(self, point: Sequence[float]) -> dict[str, tuple[float, float]]:
        """Parameters in which a point differs from the baseline: before and after."""
        before = self.values_of_baseline()
        return {
            name: (before[name], value)
            for name, value in self._changed(dict(zip(self.names, point, strict=True))).items()
        }

    def is_changed(self, points: Float[np.ndarray, "*designs parameters"]) -> Bool[np.ndarray, "*designs parameters"]:
        """Which parameters of points differ from the baseline."""
        return ~np.isclose(points, self.base_point, atol=0.0)

    def _changed(self, values: Mapping[str, float]) -> dict[str, float]:
        before = self.values_of_baseline()
        return {name: value for name, value in values.items() if not np.isclose(before[name], value, atol=0.0)}


def space_around(baseline: ChipDesign, *, with_quality_risk: bool = False) -> DesignSpace:
    """The parameters that the chip model answers to, in legal steps (research/chip-models.md section 5).

    Args:
        baseline: The incumbent.
        with_quality_risk: Also options that may change what the LLM answers; never in a default search.

    Raises:
        BadSpace: The baseline is in a process that the space does not know.
    """
    return DesignSpace(baseline=baseline, parameters=parameters_around(baseline, with_quality_risk=with_quality_risk))
