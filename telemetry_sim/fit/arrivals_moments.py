"""Second step of a fit of arrivals: the fitted law is moved a little until its simulated moments are the trace's.

Likelihood of counts per step sees short times best; what queues feel is how bursts pile up over tens of seconds. The
moments are the dispersion index over several windows and the backlog of a fluid queue at utilisation 0.7, each the
median of paths drawn with fixed keys, so that the cost is a smooth function of the law.
"""

from dataclasses import replace

import numpy as np
from numba import njit
from scipy.optimize import minimize

from telemetry_sim.fit.arrivals_families import Counted
from telemetry_sim.fitted.arrivals import ArrivalFamily, ArrivalLaw
from telemetry_sim.fitted.arrivals_path import path_noise, rates_from
from telemetry_sim.laws import Floats
from telemetry_sim.streams import child_keys, normals, root_key

PATHS = 240
"""Simulated paths that a moment is the median of."""
WINDOW_STEPS = (1, 3, 10, 30, 60)
LEAST_WINDOWS = 12
"""Fewer windows than this in the span tell nothing of a dispersion."""
UTILISATION = 0.7
BACKLOG_SHARE = 0.99
BACKLOG_BINS = 2048
JITTER = 65
"""Number of the stream, beside those of the path, of the chance in counts."""
SHORT_QUEUE, SHORT_STEPS = 10.0, 20.0
"""Requests, and steps worth of them, that a backlog is counted on top of: what is short is not told from nothing."""
DISPERSION_WIDTH, BACKLOG_WIDTH = 0.06, 0.02
"""Relative miss of a dispersion index, and of the backlog, that costs one unit of the objective."""
SHIFT_WIDTH = 0.5
"""Move of the logarithm of a parameter that costs one unit."""
EVALUATIONS = 110


def moved_to_moments(law: ArrivalLaw, counted: Counted) -> ArrivalLaw:
    """The law with deviations, memories, bursts and silences scaled so that its moments meet those of the counts."""
    if law.family is ArrivalFamily.RENEWAL:
        return law
    windows = tuple(steps for steps in WINDOW_STEPS if steps * LEAST_WINDOWS <= len(counted.counts))
    seen = counted.counts.astype(np.float64)
    wanted = np.log(_moments(seen, windows, 0.0, np.zeros(len(seen))))
    keys = child_keys(root_key(0), np.arange(PATHS))
    noises = [path_noise(law, key, len(counted.counts)) for key in keys]
    jitters = [normals(child_keys(key, JITTER)[()], np.arange(len(counted.counts))) for key in keys]
    widths = np.array([*(DISPERSION_WIDTH for _ in windows), BACKLOG_WIDTH])
    clump = 1.0 / law.gap_shape_ratio

    def cost(shifts: Floats) -> float:
        moved = shifted(law, shifts)
        mean = float(counted.counts.mean())
        paths = [mean * rates_from(moved, noise) for noise in noises]
        jittered = [np.sqrt(clump * path) * jitter for path, jitter in zip(paths, jitters, strict=True)]
        seen = [_moments(a, windows, clump, b) for a, b in zip(paths, jittered, strict=True) if a.sum() > 0]
        miss = np.log(np.median(seen, axis=0)) - wanted if seen else np.full(len(wanted), 9.0)
        return float(((miss / widths) ** 2).sum() + ((shifts / SHIFT_WIDTH) ** 2).sum())

    start = np.zeros(2 + 2 * bool(law.silences))
    simplex = np.vstack((start, start + 0.15 * np.eye(len(start))))
    found = minimize(
        cost,
        start,
        method="Nelder-Mead",
        options={"maxfev": EVALUATIONS, "xatol": 0.01, "fatol": 0.3, "initial_simplex": simplex},
    )
    return shifted(law, found.x) if found.fun < cost(start) else law


def shifted(law: ArrivalLaw, shifts: Floats) -> ArrivalLaw:
    """The law with the logarithms of deviations, memories, burst length and silences moved, in this order."""
    factors = np.exp(np.clip(shifts, -2.0, 2.0))
    levels = tuple(
        replace(part, sigma_ratio=part.sigma_ratio * float(factors[0]), memory_s=part.memory_s * float(factors[1]))
        for part in law.levels
    )
    if not law.silences:
        return replace(law, levels=levels)
    silences = tuple(replace(phase, mean_s=phase.mean_s * float(factors[3])) for phase in law.silences)
    return replace(law, levels=levels, burst_mean_s=law.burst_mean_s * float(factors[2]), silences=silences)


def _moments(amounts: Floats, windows: tuple[int, ...], clump: float, jitter: Floats) -> Floats:
    """Dispersion index over each window and the backlog, of counts (clump 0) or of a path of mean counts.

    Args:
        amounts: Requests, or expected requests, per step.
        windows: In steps.
        clump: Variance over mean of the counts at a constant rate, to be added to that of the path.
        jitter: Chance deviation of each step's requests from a path's mean, for the queue. Shape (steps,).
    """
    found = np.empty(len(windows) + 1)
    for at, steps in enumerate(windows):
        summed = np.add.reduceat(amounts, np.arange(0, len(amounts), steps))
        found[at] = clump + summed.var() / summed.mean()
    found[-1] = (
        SHORT_QUEUE
        + 5.0 * amounts.mean()
        + _backlog(amounts, jitter, float(amounts.mean()) / UTILISATION, BACKLOG_SHARE)
    )
    return np.maximum(found, 1e-9)


@njit(cache=True)
def _backlog(amounts: Floats, jitter: Floats, served: float, share: float) -> float:
    """Quantile, over requests, of the requests that wait in a queue that serves a fixed number per step."""
    waiting = 0.0
    before = np.empty(len(amounts))
    for step in range(len(amounts)):
        before[step] = waiting + 0.5 * amounts[step]
        waiting = max(0.0, waiting + amounts[step] + jitter[step] - served)
    most = before.max()
    held = np.zeros(BACKLOG_BINS + 1)
    for step in range(len(amounts)):
        held[int(before[step] / most * BACKLOG_BINS)] += amounts[step]
    reached, wanted = 0.0, share * amounts.sum()
    for at in range(BACKLOG_BINS + 1):
        reached += held[at]
        if reached >= wanted:
            return (at + 0.5) * most / BACKLOG_BINS
    return most
