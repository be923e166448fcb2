"""Gaps between arrivals in operational time, mean 1: exponential, Gamma and Weibull, compiled, drawn by name."""

import math

import numpy as np
from numba import njit

from telemetry_sim.streams import child_key, unit_draw

EXPONENTIAL, GAMMA, WEIBULL = 0, 1, 2
"""Codes of gap laws; the exponential one makes a Poisson process."""
FIRST_DRAW = np.uint64(0)
SECOND_DRAW = np.uint64(1)


@njit(cache=True, nogil=True)
def gamma_draw(key: np.uint64, shape: float) -> float:
    """Gamma draw of a stream, scale 1: Marsaglia and Tsang (2000, doi:10.1145/358407.358414), boosted below shape 1."""
    boosted = shape if shape >= 1.0 else shape + 1.0
    d = boosted - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    draw = np.uint64(2)
    while True:
        radius = math.sqrt(-2.0 * math.log(unit_draw(key, draw)))
        normal = radius * math.cos(2.0 * math.pi * unit_draw(key, draw + np.uint64(1)))
        cube = (1.0 + c * normal) ** 3
        if cube > 0.0 and math.log(unit_draw(key, draw + np.uint64(2))) < 0.5 * normal * normal + d * (
            1.0 - cube + math.log(cube)
        ):
            break
        draw += np.uint64(3)
    if shape < 1.0:
        return float(d * cube * unit_draw(key, SECOND_DRAW) ** (1.0 / shape))
    return float(d * cube)


@njit(cache=True, nogil=True)
def gap_draw(key: np.uint64, law: int, shape: float) -> float:
    """One gap of mean 1."""
    if law == GAMMA:
        return float(gamma_draw(key, shape) / shape)
    exponential = -math.log(unit_draw(key, FIRST_DRAW))
    if law == WEIBULL:
        return float(exponential ** (1.0 / shape) / math.gamma(1.0 + 1.0 / shape))
    return float(exponential)


@njit(cache=True, nogil=True)
def first_gap_draw(key: np.uint64, law: int, shape: float) -> float:
    """Time from any instant to the next arrival: a uniform part of a gap drawn in proportion to its length."""
    if law == EXPONENTIAL:
        return float(-math.log(unit_draw(key, FIRST_DRAW)))
    part = unit_draw(key, FIRST_DRAW)
    inner = child_key(key, SECOND_DRAW)
    if law == GAMMA:
        return float(part * gamma_draw(inner, shape + 1.0) / shape)
    longer = gamma_draw(inner, 1.0 + 1.0 / shape) ** (1.0 / shape)
    return float(part * longer / math.gamma(1.0 + 1.0 / shape))
