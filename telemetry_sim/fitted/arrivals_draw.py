"""Drawing start times from an arrival law: unit gaps in the time of the accumulated rate, carried back to the clock."""

import math

import numpy as np
from scipy.special import gamma, gammaincinv

from telemetry_sim.errors import SettingsError
from telemetry_sim.fitted.arrivals import ArrivalLaw, GapLaw
from telemetry_sim.fitted.arrivals_course import CourseClock
from telemetry_sim.fitted.arrivals_path import relative_rates
from telemetry_sim.laws import Floats
from telemetry_sim.streams import Keys, child_keys, uniforms

PATH, GAPS = 1, 2
Key = np.uint64 | Keys
"""A stream: one key, also as an array without axes."""


def draw_arrivals(law: ArrivalLaw, key: Key, span_s: float, *, count: int | None = None) -> Floats:
    """Sorted start times in [0, span).

    Args:
        law: What to draw from.
        key: Stream of the draw; the same key gives the same times.
        span_s: Length of the time to fill, s; any, whatever span was fitted.
        count: How many to draw; by default as many as chance gives at the law's rate.

    Raises:
        SettingsError: if the span is not above 0 or the count is negative.
    """
    if not (span_s > 0 and math.isfinite(span_s)) or (count is not None and count < 0):
        raise SettingsError(f"cannot draw {count} arrivals over {span_s} s; give a span above 0 and a count from 0")
    if count == 0:
        return np.zeros(0)
    course = CourseClock(law.course, span_s)
    steps = max(1, math.ceil(course.length_s / law.step_s))
    rates = relative_rates(law, child_keys(key, PATH)[()], steps)
    summed = np.concatenate(([0.0], np.cumsum(rates * law.step_s))) * law.rate_per_s
    clock = np.minimum(np.arange(steps + 1) * law.step_s, course.length_s)
    if summed[-1] <= 0:
        summed = clock * law.rate_per_s
    gaps_key = child_keys(key, GAPS)[()]
    points = _points(law, gaps_key, summed[-1]) if count is None else _exactly(law, gaps_key, summed[-1], count)
    times = course.clock_of(np.interp(points, summed, clock))
    if law.tick_s > 0:
        times = np.floor(times / law.tick_s) * law.tick_s
    return np.minimum(times, np.nextafter(span_s, 0.0))


def unit_gaps(law: ArrivalLaw, key: Key, begin: int, count: int) -> Floats:
    """Gaps of mean 1, those with the numbers `begin` to `begin + count` of the stream."""
    drawn = uniforms(key, np.arange(begin, begin + count))
    shape = law.gap_shape_ratio
    match law.gap_law:
        case GapLaw.EXPONENTIAL:
            return -np.log(drawn)
        case GapLaw.GAMMA:
            return np.asarray(gammaincinv(shape, drawn) / shape)
        case GapLaw.WEIBULL:
            return np.asarray((-np.log(drawn)) ** (1.0 / shape) / gamma(1.0 + 1.0 / shape))


def _points(law: ArrivalLaw, key: Key, end: float) -> Floats:
    """Points of a renewal process of mean gap 1 in [0, end)."""
    chunk = int(end + 6.0 * math.sqrt(end / min(law.gap_shape_ratio, 1.0)) + 16)
    found = np.cumsum(unit_gaps(law, key, 0, chunk))
    while found[-1] < end:
        found = np.concatenate((found, found[-1] + np.cumsum(unit_gaps(law, key, len(found), chunk))))
    return found[found < end]


def _exactly(law: ArrivalLaw, key: Key, end: float, count: int) -> Floats:
    summed = np.cumsum(unit_gaps(law, key, 0, count + 1))
    return summed[:-1] * (end / summed[-1])
