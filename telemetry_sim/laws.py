"""The lognormal laws that parameters are made of, one per unit, and the array types of this room."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]


def bounded(low: float, high: float) -> Any:
    """A dataclass field whose number (or every number of whose list) must lie in [low, high]."""
    return field(metadata={"low": low, "high": high})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLaw:
    """Lognormal law of a token count: median and standard deviation of the logarithm."""

    median_tokens: float = bounded(1.0, 1e7)
    sigma_ratio: float = bounded(0.0, 4.0)

    def tokens(self, normals: Floats, *, scale_ratio: float = 1.0) -> Ints:
        """Token counts (at least 1) for standard normals of any shape."""
        drawn = self.median_tokens * scale_ratio * np.exp(self.sigma_ratio * normals)
        return np.maximum(np.rint(drawn), 1.0).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLaw:
    """Lognormal law of a time: median and standard deviation of the logarithm."""

    median_s: float = bounded(1e-4, 1e7)
    sigma_ratio: float = bounded(0.0, 4.0)

    def times_s(self, normals: Floats) -> Floats:
        """Times for standard normals of any shape."""
        return np.asarray(self.median_s * np.exp(self.sigma_ratio * normals), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountLaw:
    """Lognormal law of a count, rounded down to a whole number of at least 1."""

    median_count: float = bounded(0.5, 1e5)
    sigma_ratio: float = bounded(0.0, 4.0)

    def counts(self, normals: Floats) -> Ints:
        """Counts (at least 1) for standard normals of any shape."""
        return np.maximum(self.median_count * np.exp(self.sigma_ratio * normals), 1.0).astype(np.int64)
