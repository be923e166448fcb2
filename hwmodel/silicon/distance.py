"""How far one design lies from another, and how errors grow on the way."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from hwmodel.catalog import ChipDesign

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"cores_count": 1.0, "matrix_flop_per_clk": 1.0, "l2_bytes": 1.0, "hbm_bytes_per_s": 1.0, "clock_hz": 1.0}
)
"""Numbers of a design whose log ratios add up to its distance from another."""
LEAST = 0.1
"""Designs that lie nearer than this count as this far apart: errors do not vanish with the change."""


def distance(one: ChipDesign, other: ChipDesign) -> float:
    """Sum of |log ratio| over the numbers that matter for kernels on one chip; at least `LEAST`."""
    logs = (weight * np.log(getattr(other, name) / getattr(one, name)) for name, weight in WEIGHTS.items())
    return max(float(sum(abs(step) for step in logs)), LEAST)


def to_nearest(one: ChipDesign, others: Iterable[ChipDesign]) -> float:
    """Distance to the nearest of some designs."""
    return min(distance(one, other) for other in others)


def growth(length: float, judged_length: float) -> float:
    """Error at one distance over the error at another.

    The variance of an error that many small unknown differences add up to grows with the distance: the linear
    variogram of geostatistics (Cressie, Statistics for Spatial Data, 1993). Assumed, not fitted.
    """
    return float(np.sqrt(length / judged_length))
