"""The marginal law of one quantity: a mixture of a few named components, drawn exactly and told in a few numbers."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import gammainc, ndtr, ndtri

from telemetry_sim.errors import ParameterError
from telemetry_sim.laws import Floats

TABLE_POINTS = 2049
"""Points of the table that quantiles start from; two Newton steps follow."""
TABLE_EDGE = 8.0
"""The table covers the quantiles of normal scores from -8 to 8."""


class ComponentKind(StrEnum):
    """Families of a component; `first` and `second` are its two numbers."""

    LOGNORMAL = "lognormal"
    """Mean and standard deviation of the logarithm."""
    GAMMA = "gamma"
    """Shape and scale."""
    WEIBULL = "weibull"
    """Shape and scale."""
    PARETO = "pareto"
    """Exponent and smallest value."""
    POINT = "point"
    """The value that is repeated; `second` is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of a mixture."""

    kind: ComponentKind
    weight_ratio: float
    first: float
    second: float = 0.0

    def __post_init__(self) -> None:
        positive = {
            ComponentKind.LOGNORMAL: (self.second,),
            ComponentKind.GAMMA: (self.first, self.second),
            ComponentKind.WEIBULL: (self.first, self.second),
            ComponentKind.PARETO: (self.first, self.second),
            ComponentKind.POINT: (),
        }[self.kind]
        finite = np.isfinite([self.weight_ratio, self.first, self.second])
        if not np.all(finite) or not 0.0 <= self.weight_ratio <= 1.0 or any(number <= 0.0 for number in positive):
            raise ParameterError(f"a component's weight must lie in [0, 1] and its scale above 0: {self}")

    def below(self, values: Floats) -> Floats:
        """Share of the component at or below positive values (of a point: strictly continuous callers add it)."""
        safe = np.maximum(values, 1e-300)
        match self.kind:
            case ComponentKind.LOGNORMAL:
                return np.asarray(ndtr((np.log(safe) - self.first) / self.second))
            case ComponentKind.GAMMA:
                return np.asarray(gammainc(self.first, safe / self.second))
            case ComponentKind.WEIBULL:
                return np.asarray(-np.expm1(-((safe / self.second) ** self.first)))
            case ComponentKind.PARETO:
                return np.where(
                    values > self.second, 1.0 - (self.second / np.maximum(safe, self.second)) ** self.first, 0
                )
            case ComponentKind.POINT:
                return np.asarray(values >= self.first, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class MixtureLaw:
    """Law of one quantity: shift + a mixture, cut to [low, high] and rounded to a grid.

    Token counts have grid 1; times the clock's step (1 s or finer). A value x of the source stands for the cell
    [x - grid/2, x + grid/2).
    """

    family: str
    """Name of the family that the fit chose, such as `lognormal` or `lognormal_mixture_5`."""
    components: tuple[Component, ...]
    shift: float = 0.0
    low: float = 0.0
    high: float
    grid: float = 1.0
    values_count: int = 0
    """Values that the law was fitted to."""
    bic_per_value: float = 0.0
    """Penalised likelihood per value (Schwarz, 1978), smaller is better."""

    def __post_init__(self) -> None:
        total = sum(part.weight_ratio for part in self.components)
        if not self.components or abs(total - 1.0) > 1e-6:
            raise ParameterError(f"the weights of law {self.family} sum to {total}; they must sum to 1")
        if not self.low <= self.high or self.grid <= 0.0:
            raise ParameterError(f"law {self.family}: limits [{self.low}, {self.high}], grid {self.grid} are no range")

    @property
    def parameter_count(self) -> int:
        """How many numbers the law holds."""
        points = sum(part.kind is ComponentKind.POINT for part in self.components)
        return 3 * len(self.components) - points - 1 + (self.shift != 0.0)

    def below(self, values: Any) -> Floats:
        """Distribution function before rounding, at any values."""
        moved = np.asarray(values, dtype=np.float64) - self.shift
        total = np.zeros_like(moved)
        for part in self.components:
            total += part.weight_ratio * part.below(moved + (self.shift if part.kind is ComponentKind.POINT else 0.0))
        return total

    def scores(self, values: Any) -> Floats:
        """Normal score of source values: of the middle of the value's cell under the law."""
        numbers = np.asarray(values, dtype=np.float64)
        half = 0.5 * self.grid * (1.0 - 1e-9)
        middle = 0.5 * (self.below(numbers - half) + self.below(numbers + half))
        return np.asarray(ndtri(np.clip(middle, 1e-7, 1.0 - 1e-7)))

    @cached_property
    def _table(self) -> tuple[Floats, Floats]:
        """Increasing shares and the values that reach them."""
        spread = [np.array([self.low, self.high]), np.geomspace(self.grid / 4, 2.0 * self.high + 1, TABLE_POINTS)]
        grid = np.linspace(-TABLE_EDGE, TABLE_EDGE, TABLE_POINTS // 4)
        for part in self.components:
            if part.kind is ComponentKind.LOGNORMAL:
                spread.append(self.shift + np.exp(part.first + part.second * grid))
            elif part.kind is ComponentKind.POINT:
                spread.append(np.array([part.first - 1e-9 * (1 + abs(part.first)), part.first]))
            else:
                spread.append(self.shift + part.second * np.geomspace(1e-4, 1e4, TABLE_POINTS // 4))
        places = np.unique(np.concatenate(spread))
        places = places[np.isfinite(places)]
        return np.maximum.accumulate(self.below(places)), places

    def quantiles(self, shares: Any) -> Floats:
        """Values of given shares in (0, 1), rounded to the grid and cut to the limits; the inverse of `below`."""
        wanted = np.asarray(shares, dtype=np.float64)
        reached, places = self._table
        after = np.clip(np.searchsorted(reached, wanted, side="left"), 1, len(places) - 1)
        rise = reached[after] - reached[after - 1]
        part = np.where(rise > 0, (wanted - reached[after - 1]) / np.where(rise > 0, rise, 1.0), 1.0)
        width = places[after] - places[after - 1]
        found = places[after - 1] + np.clip(part, 0.0, 1.0) * width
        return np.clip(np.rint(found / self.grid) * self.grid, self.low, self.high)

    def drawn(self, normals: Any) -> Floats:
        """Values for standard normals of any shape."""
        return self.quantiles(ndtr(np.asarray(normals, dtype=np.float64)))
