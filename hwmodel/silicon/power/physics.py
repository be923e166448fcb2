"""Board power as what rests plus energy times rates, up to the limit: the part that carries over to other kernels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls

from hwmodel.silicon.errors import TooFewRows

LEAST_ROWS = 100
NEAR_LIMIT = 0.93
"""Rows above this share of the limit do not say what they would have drawn."""
HELD_RATIO = 0.99
"""Share of the limit at which boards hold themselves."""
ROUNDS = 15
LEAST_ERROR = 0.02
"""Relative errors below this count the same when rows are weighted."""

WIDE, NARROW = "bf16_flop", "fp8_flop"
"""The first never costs less than the second."""

Rates = Float[np.ndarray, "rows kinds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLaw:
    """Static power and energies of one board; all at least 0."""

    static_w: float
    energy_j: Mapping[str, float]
    """Energy per unit of each kind of work, in the order of the rates."""

    def power_w(self, rates: Rates, limit_w: Float[np.ndarray, "rows"]) -> Float[np.ndarray, "rows"]:
        """Power at rates of work, held under the limit."""
        drawn = self.static_w + rates @ np.array(list(self.energy_j.values()))
        return np.minimum(drawn, HELD_RATIO * limit_w)


def fit_power_law(
    rates: Rates, kinds: Sequence[str], power_w: Float[np.ndarray, "rows"], limit_w: Float[np.ndarray, "rows"]
) -> PowerLaw:
    """Least absolute relative error by re-weighted least squares; nothing costs less than 0, nor bf16 less than fp8.

    Args:
        rates: Work per second, one column per kind.
        kinds: Names of the kinds.
        power_w: Measured board power.
        limit_w: Limit that the board was set to.

    Raises:
        TooFewRows: Fewer rows under the limit than a fit needs.
    """
    free = power_w < NEAR_LIMIT * limit_w
    if free.sum() < LEAST_ROWS:
        raise TooFewRows(f"{free.sum()} rows under the power limit; a fit of energies takes {LEAST_ROWS}")
    terms = np.column_stack([np.ones(free.sum()), rates[free]])
    ordered = WIDE in kinds and NARROW in kinds
    wide, narrow = (1 + list(kinds).index(name) if ordered else 0 for name in (WIDE, NARROW))
    if ordered:
        terms[:, narrow] += terms[:, wide]
    scale = terms.mean(axis=0) + 1e-30
    measured, weight = power_w[free], 1.0 / power_w[free]
    for _ in range(ROUNDS):
        found, _ = nnls(terms / scale * weight[:, None], measured * weight)
        error = np.abs(terms / scale @ found / measured - 1.0)
        weight = 1.0 / (measured * np.sqrt(np.maximum(error, LEAST_ERROR)))
    values = found / scale
    if ordered:
        values[wide] += values[narrow]
    energy = MappingProxyType({name: float(value) for name, value in zip(kinds, values[1:], strict=True)})
    return PowerLaw(static_w=float(values[0]), energy_j=energy)
