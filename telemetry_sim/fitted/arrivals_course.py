"""The expected course of a rate, and the clock on which that course is flat."""

import math

import numpy as np

from telemetry_sim.fitted.arrivals import Course
from telemetry_sim.laws import Floats

DAY_S = 86_400.0
STEP_S = 60.0
LEAST_STEPS, MOST_STEPS = 64, 200_000


def relative_course(course: Course, times_s: Floats, span_s: float) -> Floats:
    """Expected rate at each time over its mean: of a day for a daily course, of the fitted span for a trend.

    Args:
        course: What to follow.
        times_s: Seconds since the begin.
        span_s: Length of the time asked about.
    """
    grid_s = course.trend_span_s or (DAY_S if course.day_harmonics else span_s)
    grid: Floats = (np.arange(1440.0) + 0.5) * (grid_s / 1440)
    return np.asarray(np.exp(_log_course(course, times_s)) / np.exp(_log_course(course, grid)).mean())


class CourseClock:
    """Carries times between the clock and a time on which the course of the rate is flat."""

    def __init__(self, course: Course, span_s: float) -> None:
        self.length_s = span_s
        self._clock = np.array([0.0, span_s])
        self._flat = self._clock
        if course.day_harmonics or course.trend_log_ratios:
            steps = min(max(LEAST_STEPS, math.ceil(span_s / STEP_S)), MOST_STEPS)
            self._clock = np.linspace(0.0, span_s, steps + 1)
            relative = relative_course(course, 0.5 * (self._clock[1:] + self._clock[:-1]), span_s)
            self._flat = np.concatenate(([0.0], np.cumsum(relative * np.diff(self._clock))))
            self.length_s = float(self._flat[-1])

    def clock_of(self, flat: Floats) -> Floats:
        """Times on the clock of times on the flat one."""
        return np.asarray(np.interp(flat, self._flat, self._clock))

    def flat_of(self, clock: Floats) -> Floats:
        """Times on the flat clock of times on the other."""
        return np.asarray(np.interp(clock, self._clock, self._flat))


def _log_course(course: Course, times_s: Floats) -> Floats:
    total = np.zeros(np.shape(times_s))
    angle = 2.0 * np.pi * times_s / DAY_S
    for number, part in enumerate(course.day_harmonics, start=1):
        total = total + part.cosine_ratio * np.cos(number * angle) + part.sine_ratio * np.sin(number * angle)
    if course.trend_log_ratios:
        knots = np.linspace(0.0, course.trend_span_s, len(course.trend_log_ratios))
        total = total + np.interp(times_s, knots, course.trend_log_ratios)
    return total
