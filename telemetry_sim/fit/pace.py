"""Fit of how sizes go along a trace of single calls: with the rate, and in spells of long and of short answers.

A queue feels the work that comes in some seconds, not the calls: long answers in a row pile up, and a busy minute of
short answers does not. The slope on the rate comes from the calls; then slope, deviation and memory of the pace are
moved until the work per window and the tail of a queue, medians of simulated traces, are the trace's own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtri
from scipy.stats import rankdata

from telemetry_sim.fidelity.queue import UTILISATION, waits_s
from telemetry_sim.fitted.arrivals import ArrivalLaw
from telemetry_sim.fitted.arrivals_draw import draw_arrivals
from telemetry_sim.fitted.arrivals_sizes import drift_of, near_log_rates, paced
from telemetry_sim.laws import Floats
from telemetry_sim.streams import child_keys, normals, root_key

LEAST_CALLS = 400
TRACES = 48
"""Simulated traces that a moment is the median of."""
MOST_DRAWN_CALLS = 1_500_000
WINDOWS_S = (3.0, 10.0, 30.0, 60.0, 120.0)
LEAST_WINDOWS = 12
TAIL = 0.99
DISPERSION_WIDTH, TAIL_WIDTH = 0.15, 0.03
"""Relative miss of a dispersion of work, and of the tail of the wait, that costs one unit of the objective."""
SLOPE_WIDTH, SIGMA_WIDTH = 0.5, 0.4
LEAST_MEMORY_S, MOST_MEMORY_S = 0.5, 600.0
START_SIGMA, START_MEMORY_S = 0.15, 10.0
EVALUATIONS = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    """One simulated stream, before sizes are dealt to it."""

    start_s: Floats
    log_rate: Floats
    noise: Floats
    wander: Floats


def paced_law(law: ArrivalLaw, times_s: Floats, sizes: Floats, work_s: Floats, span_s: float) -> ArrivalLaw:
    """The law with the pace of the sizes.

    Args:
        law: Law of the arrivals.
        times_s: Start of each call, s from the begin. Shape (calls,).
        sizes: Size of each call that its place in time is told by. Shape (calls,).
        work_s: What each call costs a server, in any unit. Shape (calls,).
        span_s: Observed time.
    """
    if len(times_s) < LEAST_CALLS or law.tick_s > 0:
        return law
    order = np.argsort(times_s, kind="stable")
    times, sizes, work = times_s[order], sizes[order], work_s[order]
    slope = _slope(law, times, sizes)
    windows = tuple(width for width in WINDOWS_S if LEAST_WINDOWS * width <= span_s)
    wanted = np.log(_moments(times, work, windows, span_s))
    paths = _paths(law, len(times), span_s)
    ranked = work[np.argsort(sizes, kind="stable")]
    widths = np.array([*(DISPERSION_WIDTH for _ in windows), TAIL_WIDTH])

    def moved(point: Floats) -> ArrivalLaw:
        memory_s = float(np.exp(np.clip(point[2], np.log(LEAST_MEMORY_S), np.log(MOST_MEMORY_S))))
        course = replace(
            law.course,
            size_rate_slope_ratio=float(point[0]),
            size_sigma_ratio=abs(float(point[1])),
            size_memory_s=memory_s,
        )
        return replace(law, course=course)

    def cost(point: Floats) -> float:
        seen = [_moments(path.start_s, _dealt(moved(point), path, ranked), windows, span_s) for path in paths]
        miss = (np.log(np.median(seen, axis=0)) - wanted) / widths
        return float((miss**2).sum() + ((point[0] - slope) / SLOPE_WIDTH) ** 2 + (point[1] / SIGMA_WIDTH) ** 2)

    return moved(_lowest(cost, np.array([slope, START_SIGMA, np.log(START_MEMORY_S)])))


def _lowest(cost: Callable[[Floats], float], start: Floats) -> Floats:
    simplex = np.vstack((start, start + np.diag([0.3, 0.12, 1.0])))
    options = {"maxfev": EVALUATIONS, "xatol": 0.01, "fatol": 0.1, "initial_simplex": simplex}
    found = minimize(cost, start, method="Nelder-Mead", options=options)
    plain = np.array([0.0, 0.0, start[2]])
    return np.asarray(found.x if found.fun < cost(plain) else plain)


def _slope(law: ArrivalLaw, times: Floats, sizes: Floats) -> float:
    """Slope of the sizes' normal scores, less their drift, on the logarithm of the rate around each call."""
    scores = ndtri((rankdata(sizes) - 0.5) / len(sizes))
    if law.course.size_scores:
        scores = scores - drift_of(law.course.size_scores, law.course.size_span_s, times)
    rate = near_log_rates(law, times)
    rate = rate - rate.mean()
    power = float((rate**2).sum())
    return float((rate * scores).sum()) / power if power > 0 else 0.0


def _paths(law: ArrivalLaw, count: int, span_s: float) -> list[_Path]:
    keys = child_keys(root_key(1), np.arange(max(min(TRACES, MOST_DRAWN_CALLS // count), 8)))
    numbers = np.arange(count)
    paths = []
    for key in keys:
        start_s = draw_arrivals(law, key, span_s, count=count)
        noise, wander = (normals(child_keys(key, 128 + stream)[()], numbers) for stream in (0, 1))
        paths.append(_Path(start_s=start_s, log_rate=near_log_rates(law, start_s), noise=noise, wander=wander))
    return paths


def _dealt(law: ArrivalLaw, path: _Path, ranked: Floats) -> Floats:
    """Work of the call at each time, where work is given by rank of the size."""
    dealt = np.empty(len(ranked))
    dealt[np.argsort(paced(law, path.start_s, path.noise, path.wander, path.log_rate), kind="stable")] = ranked
    return dealt


def _moments(times: Floats, work: Floats, windows: tuple[float, ...], span_s: float) -> Floats:
    """Variance over mean of the work per window, and the tail of the wait at utilisation 0.7 over the mean service."""
    found = np.empty(len(windows) + 1)
    for at, width in enumerate(windows):
        summed = np.bincount((times / width).astype(np.int64), work)
        found[at] = summed.var() / summed.mean()
    service = work * (UTILISATION * span_s / work.sum())
    found[-1] = np.quantile(waits_s(times, service), TAIL) + service.mean()
    return np.maximum(found, 1e-9)
