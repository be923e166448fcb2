"""The laws that parameters are made of, one per unit: lognormal mixtures with a Pareto tail; and array types."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import log_ndtr, ndtr

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]

REACH = 8.0
"""Laws are tabulated over standard normals from -REACH to REACH."""
STEPS_PER_SIGMA = 128.0
"""Table steps per unit of the normal: linear between them, which is exact for a lognormal law."""
NORMALS = np.linspace(-REACH, REACH, int(2 * REACH * STEPS_PER_SIGMA) + 1)
BISECTIONS = 60


def bounded(low: float, high: float, *, default: Any = ...) -> Any:
    """A dataclass field whose number (or every number of whose list) must lie in [low, high].

    With a default, a file may leave the number out.
    """
    limits = {"low": low, "high": high}
    return field(metadata=limits) if default is ... else field(default=default, metadata=limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLaw:
    """Law of a token count: a lognormal body, other lognormal parts, and a Pareto tail.

    The body has what share the parts and the tail leave. Median and standard deviation are those of the logarithm.
    """

    median_tokens: float = bounded(1.0, 1e7)
    sigma_ratio: float = bounded(0.0, 4.0)
    part_share_ratio: tuple[float, ...] = bounded(0.0, 1.0, default=())
    part_median_tokens: tuple[float, ...] = bounded(1.0, 1e7, default=())
    part_sigma_ratio: tuple[float, ...] = bounded(0.0, 4.0, default=())
    tail_share_ratio: float = bounded(0.0, 0.9, default=0.0)
    tail_start_tokens: float = bounded(1.0, 1e7, default=1.0)
    tail_index_ratio: float = bounded(0.3, 20.0, default=2.0)
    """P(X > x) = (start / x) to this power, for draws from the tail."""

    def log_table(self) -> Floats:
        """Logarithm of the count at each of NORMALS."""
        body = (1.0, self.median_tokens, self.sigma_ratio)
        parts = tuple(zip(self.part_share_ratio, self.part_median_tokens, self.part_sigma_ratio, strict=True))
        return log_quantiles(body, parts, (self.tail_share_ratio, self.tail_start_tokens, self.tail_index_ratio))

    def tokens(self, normals: Floats, *, scale_ratio: float = 1.0) -> Ints:
        """Token counts (at least 1) for standard normals of any shape."""
        drawn = scale_ratio * np.exp(np.interp(normals, NORMALS, self.log_table()))
        return np.maximum(np.rint(drawn), 1.0).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLaw:
    """Law of a time: a lognormal body, other lognormal parts, and a Pareto tail, as in `TokenLaw`."""

    median_s: float = bounded(1e-4, 1e7)
    sigma_ratio: float = bounded(0.0, 4.0)
    part_share_ratio: tuple[float, ...] = bounded(0.0, 1.0, default=())
    part_median_s: tuple[float, ...] = bounded(1e-4, 1e7, default=())
    part_sigma_ratio: tuple[float, ...] = bounded(0.0, 4.0, default=())
    tail_share_ratio: float = bounded(0.0, 0.9, default=0.0)
    tail_start_s: float = bounded(1e-4, 1e7, default=1.0)
    tail_index_ratio: float = bounded(0.3, 20.0, default=2.0)

    def log_table(self) -> Floats:
        """Logarithm of the time in seconds at each of NORMALS."""
        body = (1.0, self.median_s, self.sigma_ratio)
        parts = tuple(zip(self.part_share_ratio, self.part_median_s, self.part_sigma_ratio, strict=True))
        return log_quantiles(body, parts, (self.tail_share_ratio, self.tail_start_s, self.tail_index_ratio))

    def times_s(self, normals: Floats) -> Floats:
        """Times for standard normals of any shape."""
        return np.asarray(np.exp(np.interp(normals, NORMALS, self.log_table())), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountLaw:
    """Lognormal law of a count, rounded down to a whole number of at least 1."""

    median_count: float = bounded(0.5, 1e5)
    sigma_ratio: float = bounded(0.0, 4.0)

    def counts(self, normals: Floats) -> Ints:
        """Counts (at least 1) for standard normals of any shape."""
        return np.maximum(self.median_count * np.exp(self.sigma_ratio * normals), 1.0).astype(np.int64)


@cache
def log_quantiles(
    body: tuple[float, float, float], parts: tuple[tuple[float, float, float], ...], tail: tuple[float, float, float]
) -> Floats:
    """Logarithm of a mixture's quantile at the probability of each of NORMALS, by bisection; do not write to it.

    Args:
        body: (ignored share, median, sigma) of the main lognormal part, which has what share the others leave.
        parts: (share, median, sigma) of the other lognormal parts.
        tail: (share, start, index) of the Pareto part.
    """
    rest = 1.0 - tail[0] - sum(share for share, _, _ in parts)
    if not parts and tail[0] <= 0.0:
        return np.log(body[1]) + body[2] * NORMALS
    lognormals = [(rest, body[1], body[2]), *parts]
    low = np.full(len(NORMALS), min(np.log(median) - REACH * sigma for _, median, sigma in lognormals) - 1.0)
    high = np.full(len(NORMALS), max(np.log(median) + REACH * sigma for _, median, sigma in lognormals) + 1.0)
    if tail[0] > 0.0:
        high = np.maximum(high, np.log(tail[1]) - log_ndtr(-NORMALS) / tail[2] + 1.0)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        above = _survival(middle, lognormals, tail) > ndtr(-NORMALS)
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray(0.5 * (low + high), dtype=np.float64)


def _survival(
    log_value: Floats, lognormals: list[tuple[float, float, float]], tail: tuple[float, float, float]
) -> Floats:
    """Chance that a mixture exceeds exp(log_value)."""
    total = np.zeros_like(log_value)
    for share, median, sigma in lognormals:
        total += share * ndtr(-(log_value - np.log(median)) / max(sigma, 1e-9))
    if tail[0] > 0.0:
        total += tail[0] * np.exp(-tail[2] * np.maximum(log_value - np.log(tail[1]), 0.0))
    return total


@njit(cache=True)
def drawn_value(log_table: Floats, normal: float) -> float:
    """Value of a law at a standard normal, from its table; for use inside compiled loops."""
    last = len(log_table) - 1
    place = min(max((normal + REACH) * (last / (2.0 * REACH)), 0.0), last - 1e-6)
    below = int(place)
    return np.exp(log_table[below] + (place - below) * (log_table[below + 1] - log_table[below]))


@njit(cache=True)
def drawn_count(log_table: Floats, normal: float, scale_ratio: float) -> int:
    """Whole value of at least 1 of a law times a scale, from its table; for use inside compiled loops."""
    return max(int(np.rint(drawn_value(log_table, normal) * scale_ratio)), 1)
