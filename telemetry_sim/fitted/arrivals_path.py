"""The path of the rate under an arrival law: relative intensity per step, with mean 1."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from telemetry_sim.fitted.arrivals import ArrivalLaw
from telemetry_sim.laws import Bools, Floats
from telemetry_sim.streams import Keys, child_keys, normals, uniforms

LEVEL, SWITCH = 0, 64
"""Numbers of the streams below the law's own: one per level part, then the switching of bursts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathNoise:
    """The random numbers of one path; laws with as many level parts turn the same noise into different paths."""

    levels: tuple[Floats, ...]
    """Standard normals, one array per level part. Shape (steps,) each."""
    switches: Floats
    """Uniforms: one for the first state, then two per step; empty for a law without silences."""


def path_noise(law: ArrivalLaw, key: np.uint64 | Keys, steps: int) -> PathNoise:
    """Random numbers of a path of `steps` steps."""
    numbers = np.arange(steps)
    levels = tuple(normals(child_keys(key, LEVEL + part)[()], numbers) for part in range(len(law.levels)))
    draws = np.arange(2 * steps + 1 if law.silences else 0)
    return PathNoise(levels=levels, switches=uniforms(child_keys(key, SWITCH)[()], draws))


def relative_rates(law: ArrivalLaw, key: np.uint64 | Keys, steps: int) -> Floats:
    """Rate of each step over the law's mean rate.

    Args:
        law: What to draw from.
        key: Stream of the draw.
        steps: How many steps of `law.step_s`.
    """
    if not law.levels and not law.silences:
        return np.ones(steps)
    return rates_from(law, path_noise(law, key, steps))


def rates_from(law: ArrivalLaw, noise: PathNoise) -> Floats:
    """The path that a law makes of random numbers, as rate over mean rate per step."""
    steps = len(noise.levels[0]) if noise.levels else len(noise.switches) // 2
    is_open, opens = np.ones(steps, dtype=np.bool_), np.zeros(steps, dtype=np.bool_)
    scale = 1.0
    if law.silences:
        shares = np.array([phase.share_ratio for phase in law.silences])
        shares = shares / shares.sum()
        leave = -np.expm1(-law.step_s / np.array([phase.mean_s for phase in law.silences]))
        stop = -math.expm1(-law.step_s / law.burst_mean_s)
        is_open, opens = _bursts(noise.switches, stop, leave, shares)
        scale = 1.0 + stop * float((shares / leave).sum())
    log_rate = np.full(steps, math.log(scale))
    for part, drawn in zip(law.levels, noise.levels, strict=True):
        memory = math.exp(-law.step_s / part.memory_s)
        log_rate += part.sigma_ratio * _wandering(drawn, memory, opens) - 0.5 * part.sigma_ratio**2
    return np.asarray(np.where(is_open, np.exp(log_rate), 0.0), dtype=np.float64)


@njit(cache=True)
def _wandering(noise: Floats, memory: float, opens: Bools) -> Floats:
    """Stationary autoregression of unit variance, begun anew where a burst opens."""
    path = np.empty(len(noise))
    fresh = math.sqrt(1.0 - memory * memory)
    for step in range(len(noise)):
        if step == 0 or opens[step]:
            path[step] = noise[step]
        else:
            path[step] = memory * path[step - 1] + fresh * noise[step]
    return path


@njit(cache=True)
def _bursts(draws: Floats, stop: float, leave: Floats, shares: Floats) -> tuple[Bools, Bools]:
    """Which steps lie in a burst and which open one; the first is drawn from the stationary state."""
    steps = len(draws) // 2
    is_open = np.zeros(steps, dtype=np.bool_)
    opens = np.zeros(steps, dtype=np.bool_)
    weights = stop * shares / leave
    state = _chosen(draws[0] * (1.0 + weights.sum()) - 1.0, weights)
    for step in range(steps):
        draw = draws[2 * step + 1]
        if state < 0:
            is_open[step] = True
            if draw < stop:
                state = _chosen(draws[2 * step + 2], shares)
        elif draw < leave[state]:
            state = -1
            if step + 1 < steps:
                opens[step + 1] = True
    return is_open, opens


@njit(cache=True)
def _chosen(point: float, weights: Floats) -> int:
    """Number of the part of the line that the point falls on; -1 left of it."""
    if point < 0.0:
        return -1
    for number in range(len(weights) - 1):
        if point < weights[number]:
            return number
        point -= weights[number]
    return len(weights) - 1
