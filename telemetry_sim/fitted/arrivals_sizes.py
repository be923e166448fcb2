"""Sizes along a trace: which of the drawn single calls comes when."""

import numpy as np
from numba import njit

from telemetry_sim.fitted.arrivals import ArrivalLaw
from telemetry_sim.fitted.arrivals_course import CourseClock
from telemetry_sim.laws import Floats
from telemetry_sim.streams import Keys, child_keys, normals

LEAST_OWN_VARIANCE = 0.2
SIZES, WANDER = 3, 4
"""Numbers of the streams under the law's own: of the calls' own scores, of the pace."""
NEAR_S, NEAR_CALLS = 20.0, 60.0
"""The rate around a call is counted over this long before and after it, and over so many calls at least."""


def placed_by_size(law: ArrivalLaw, key: np.uint64 | Keys, start_s: Floats, sizes: Floats) -> Floats:
    """The start times, dealt out anew so that sizes follow the law's pace along the trace.

    Each time draws a normal score around the pace's mean at that time, and the call with the n-th smallest size gets
    the time with the n-th smallest score: neither the sizes nor the times change, only which goes with which.

    Args:
        law: Whose course tells the mean score of sizes along the fitted span, how it follows the rate and wanders.
        key: Stream of the draw.
        start_s: Start of each call, in order. Shape (calls,).
        sizes: Size of each call, such as its output tokens. Shape (calls,).
    """
    if len(start_s) != len(sizes):
        return start_s
    numbers = np.arange(len(start_s))
    noise = normals(child_keys(key, SIZES)[()], numbers)
    score = paced(law, start_s, noise, normals(child_keys(key, WANDER)[()], numbers), near_log_rates(law, start_s))
    placed = np.empty(len(start_s))
    placed[np.argsort(sizes, kind="stable")] = start_s[np.argsort(score, kind="stable")]
    return placed


def paced(law: ArrivalLaw, start_s: Floats, noise: Floats, wander: Floats, log_rate: Floats) -> Floats:
    """Score of the size of the call at each time.

    Args:
        law: What to follow.
        start_s: Start of each call, in order. Shape (calls,).
        noise: Standard normals of the calls. Shape (calls,).
        wander: Standard normals of the pace. Shape (calls,).
        log_rate: Of `near_log_rates`. Shape (calls,).
    """
    course = law.course
    mean = course.size_rate_slope_ratio * log_rate
    if course.size_scores:
        mean = mean + drift_of(course.size_scores, course.size_span_s, start_s)
    if course.size_sigma_ratio > 0:
        mean = mean + course.size_sigma_ratio * _wandering(start_s, course.size_memory_s, wander)
    own = np.sqrt(max(1.0 - float(np.var(mean)), LEAST_OWN_VARIANCE)) if len(mean) else 1.0
    return np.asarray(mean + own * noise)


def drift_of(scores: tuple[float, ...], span_s: float, start_s: Floats) -> Floats:
    """Mean score at times, linear between knots spread over the span."""
    return np.asarray(np.interp(start_s, np.linspace(0.0, span_s, len(scores)), scores))


def near_log_rates(law: ArrivalLaw, start_s: Floats) -> Floats:
    """Logarithm of the rate around each call over the expected one, which follows the course. Shape (calls,)."""
    if len(start_s) < 2:
        return np.zeros(len(start_s))
    span_s = float(start_s[-1]) * (1.0 + 1e-9)
    clock = CourseClock(law.course, max(span_s, 1e-6))
    reach = max(NEAR_S, 0.5 * NEAR_CALLS / law.rate_per_s)
    low, high = np.maximum(start_s - reach, 0.0), np.minimum(start_s + reach, span_s)
    counted = np.searchsorted(start_s, high, side="right") - np.searchsorted(start_s, low, side="left")
    expected = (clock.flat_of(high) - clock.flat_of(low)) * len(start_s) / clock.length_s
    return np.asarray(np.log(counted / np.maximum(expected, 1e-9)))


@njit(cache=True)
def _wandering(times_s: Floats, memory_s: float, noise: Floats) -> Floats:
    """Autoregression of variance 1 in continuous time, at times in order."""
    path = noise.copy()
    for row in range(1, len(noise)):
        kept = np.exp(-(times_s[row] - times_s[row - 1]) / memory_s)
        path[row] = kept * path[row - 1] + np.sqrt(1.0 - kept * kept) * noise[row]
    return path
