"""Fit of the law of arrivals: family by penalised likelihood, then moved to the trace's own moments."""

import math
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln

from telemetry_sim.errors import SettingsError
from telemetry_sim.fit.arrivals_course import course_of, size_scores_of
from telemetry_sim.fit.arrivals_families import (
    Candidate,
    Counted,
    modulated,
    on_off,
    renewal,
    twice_modulated,
)
from telemetry_sim.fit.arrivals_moments import moved_to_moments
from telemetry_sim.fitted.arrivals import ArrivalFamily, ArrivalLaw, GapLaw
from telemetry_sim.fitted.arrivals_course import CourseClock
from telemetry_sim.laws import Floats

LEAST_ARRIVALS = 40
"""Under this many arrivals only their mean rate is told."""
MOST_STEPS = 16_384
LEAST_STEPS = 64
CALLS_PER_STEP = 0.25
"""A rare stream gets longer steps, so that a step holds this many arrivals on average."""
EMPTY_RATIO = 0.02
"""Silences are looked for where more than this share of the steps is empty."""
MOST_PER_STEP = 5_000
SAME_TIME_RATIO = 0.5
"""A trace in which more arrivals than this share their time with another one was rounded."""


def fit_arrivals(start_times_s: Floats, span_s: float, *, sizes: Floats | None = None) -> ArrivalLaw:
    """The law of when things start.

    Args:
        start_times_s: Start times in any order, s. Shape (starts,).
        span_s: Length of the observed time, which begins at 0 or at the first start.
        sizes: Size of what starts, such as the output tokens of single calls, in the order of the times; a drift of
            sizes along the span is then fitted too. Shape (starts,).

    Raises:
        SettingsError: if there is no arrival, a time is not finite, or the span does not hold them.
    """
    given = np.asarray(start_times_s, dtype=np.float64)
    times = np.sort(given)
    if len(times) == 0 or not np.isfinite(times).all() or not span_s > 0:
        raise SettingsError(
            f"{len(times)} arrivals over {span_s} s cannot be fitted; give finite times, a span above 0"
        )
    origin = times[0] if times[0] < 0 or times[-1] > span_s else 0.0
    times = times - origin
    if times[-1] > span_s * (1.0 + 1e-9):
        raise SettingsError(f"arrivals spread over {times[-1]:.6g} s do not fit in a span of {span_s:.6g} s")
    rate = len(times) / span_s
    if len(times) < LEAST_ARRIVALS:
        return ArrivalLaw(family=ArrivalFamily.RENEWAL, rate_per_s=rate)
    tick_s = tick_of(times)
    course = course_of(times, span_s)
    drift = size_scores_of(given - origin, sizes, span_s) if sizes is not None else ()
    clock = CourseClock(course, span_s)
    flat = clock.flat_of(times) if tick_s == 0 else times
    counted = _counted(flat, clock.length_s if tick_s == 0 else span_s, tick_s)
    best = min(_candidates(counted), key=lambda candidate: candidate.penalised(counted))
    law = replace(best.law, rate_per_s=rate)
    if law.family is ArrivalFamily.RENEWAL and tick_s == 0:
        law = _with_gap_law(law, np.diff(flat))
    return replace(
        moved_to_moments(law, counted),
        course=replace(course, size_scores=drift, size_span_s=span_s if drift else 0.0),
        tick_s=tick_s,
    )


def tick_of(times_s: Floats) -> float:
    """Grid that times were rounded to, s; 0 where most arrivals have a time of their own."""
    distinct = np.unique(times_s)
    if len(distinct) > SAME_TIME_RATIO * len(times_s) or len(distinct) < 3:
        return 0.0
    return float(np.median(np.diff(distinct)))


def _counted(times: Floats, span_s: float, tick_s: float) -> Counted:
    rate = len(times) / span_s
    step = max(1.0, min(CALLS_PER_STEP / rate, span_s / LEAST_STEPS), span_s / MOST_STEPS)
    step = min(step, max(MOST_PER_STEP / rate, span_s / MOST_STEPS))
    if tick_s > 0:
        step = tick_s * math.ceil(step / tick_s - 1e-9)
    steps = max(2, math.ceil(span_s / step - 1e-9))
    shift = 0.5 * tick_s
    counts = np.bincount(np.minimum(((times + shift) / step + 1e-9).astype(np.int64), steps - 1), minlength=steps)
    return Counted(counts=counts.astype(np.int64), step_s=step)


def _candidates(counted: Counted) -> list[Candidate]:
    found = [renewal(counted), modulated(counted)]
    if float((counted.counts == 0).mean()) > EMPTY_RATIO:
        found += [on_off(counted, 1), on_off(counted, 2)]
    best = min(found, key=lambda candidate: candidate.penalised(counted))
    if best.law.family is ArrivalFamily.MODULATED:
        found.append(twice_modulated(counted))
    return found


def _with_gap_law(law: ArrivalLaw, gaps: Floats) -> ArrivalLaw:
    """The law of gaps with the best penalised likelihood, where the rate does not change."""
    unit = np.maximum(gaps / gaps.mean(), 1e-9)
    logs = np.log(unit)

    def gamma_cost(point: Floats) -> float:
        shape = math.exp(min(max(float(point[0]), -6.0), 6.0))
        return -float(shape * math.log(shape) - gammaln(shape) + (shape - 1.0) * logs.mean() - shape)

    def weibull_cost(point: Floats) -> float:
        shape = math.exp(min(max(float(point[0]), -4.0), 4.0))
        scale = 1.0 / math.exp(float(gammaln(1.0 + 1.0 / shape)))
        raised = np.exp(shape * (logs - math.log(scale)))
        return -float(math.log(shape / scale) + (shape - 1.0) * (logs - math.log(scale)).mean() - raised.mean())

    penalty = 0.5 * math.log(len(unit)) / len(unit)
    found = [(1.0, GapLaw.EXPONENTIAL, 1.0)]
    for name, cost in ((GapLaw.GAMMA, gamma_cost), (GapLaw.WEIBULL, weibull_cost)):
        best = minimize(cost, np.zeros(1), method="Nelder-Mead")
        found.append((float(best.fun) + penalty, name, math.exp(float(best.x[0]))))
    _, name, shape = min(found)
    return replace(law, gap_law=name, gap_shape_ratio=shape)
