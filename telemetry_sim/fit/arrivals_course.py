"""The expected course of a stream's rate: daily where the trace spans days, a coarse trend where it does not."""

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from telemetry_sim.fitted.arrivals import FLAT, Course, DayHarmonic
from telemetry_sim.fitted.arrivals_course import DAY_S
from telemetry_sim.laws import Floats

LEAST_DAYS = 2.0
"""A daily course cannot be told from a trend in less."""
HARMONICS = 3
DAY_BIN_S = 1800.0
KNOT_S = 300.0
"""Knots of a trend stand at least this far apart."""
MOST_KNOTS = 9
BINS_PER_KNOT = 10
LEAST_ARRIVALS = 400
"""Fewer arrivals do not tell a trend from chance."""
ROUNDS = 25


def course_of(times_s: Floats, span_s: float) -> Course:
    """The course of the rate, by Poisson regression of counts; flat where it tells nothing.

    The number of terms is chosen by a quasi-likelihood with a penalty, divided by the overdispersion that the widest
    model leaves (McCullagh and Nelder, Generalized Linear Models, 1989, section 9.2): a burst is no course.

    Args:
        times_s: Arrivals from 0 on, s.
        span_s: Observed time.
    """
    if len(times_s) < LEAST_ARRIVALS:
        return FLAT
    if span_s >= LEAST_DAYS * DAY_S:
        counts, middle = _binned(times_s, span_s, DAY_BIN_S)
        weights = _chosen(counts, [_harmonic_columns(middle, number) for number in range(HARMONICS + 1)])[1:]
        pairs = zip(weights[::2], weights[1::2], strict=True)
        return Course(day_harmonics=tuple(DayHarmonic(cosine_ratio=float(a), sine_ratio=float(b)) for a, b in pairs))
    most = min(MOST_KNOTS, int(span_s // KNOT_S) + 1)
    if most < 3:
        return FLAT
    counts, middle = _binned(times_s, span_s, span_s / (BINS_PER_KNOT * (most - 1)))
    designs = [np.ones((len(counts), 1)), *(_knot_columns(middle, span_s, knots) for knots in range(2, most + 1))]
    weights = _chosen(counts, designs)
    if len(weights) < 2:
        return FLAT
    return Course(trend_log_ratios=tuple(float(value) for value in weights - weights.mean()), trend_span_s=span_s)


def size_scores_of(times_s: Floats, sizes: Floats, span_s: float) -> tuple[float, ...]:
    """Mean normal score of sizes at knots over the span, by least squares over bins; empty where sizes do not drift.

    Args:
        times_s: Start of each call, s from the begin. Shape (calls,).
        sizes: Size of each call, such as its output tokens. Shape (calls,).
        span_s: Observed time.
    """
    most = min(MOST_KNOTS, int(span_s // KNOT_S) + 1)
    if most < 3 or len(times_s) < LEAST_ARRIVALS or span_s >= LEAST_DAYS * DAY_S:
        return ()
    ranks = (rankdata(sizes) - 0.5) / len(sizes)
    bins = BINS_PER_KNOT * (most - 1)
    place = np.minimum((times_s / span_s * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins).astype(np.float64)
    total = np.bincount(place, weights=ndtri(ranks), minlength=bins)
    told = count > 0
    mean, weight = total[told] / count[told], np.sqrt(count[told])
    middle = ((np.arange(float(bins)) + 0.5) * (span_s / bins))[told]
    chosen: Floats = np.zeros(0)
    best = len(mean) * np.log(max(float((weight**2 * mean**2).sum()), 1e-12))
    for knots in range(2, most + 1):
        design = _knot_columns(middle, span_s, knots)
        found: Floats = np.asarray(np.linalg.lstsq(design * weight[:, None], mean * weight, rcond=None)[0])
        left = float((weight**2 * (mean - design @ found) ** 2).sum())
        score = len(mean) * np.log(max(left, 1e-12)) + knots * np.log(len(mean))
        if score < best:
            best, chosen = score, found
    return tuple(float(value) for value in chosen)


def _binned(times_s: Floats, span_s: float, bin_s: float) -> tuple[Floats, Floats]:
    """Counts of whole bins and their middles."""
    bins = int(span_s / bin_s + 1e-9)
    counts = np.bincount(np.minimum((times_s / bin_s).astype(np.int64), bins), minlength=bins + 1)[:bins]
    middle: Floats = (np.arange(float(bins)) + 0.5) * bin_s
    return counts.astype(np.float64), middle


def _chosen(counts: Floats, designs: list[Floats]) -> Floats:
    """Coefficients of the design with the best penalised quasi-likelihood."""
    fits = [_regression(counts, design) for design in designs]
    widest = fits[-1][1]
    freedom = max(len(counts) - designs[-1].shape[1], 1)
    excess = max(1.0, float(((counts - widest) ** 2 / np.maximum(widest, 1e-9)).sum()) / freedom)
    scores = [
        len(weights) * np.log(len(counts)) - 2.0 * float((counts * np.log(mean) - mean).sum()) / excess
        for weights, mean in fits
    ]
    return fits[int(np.argmin(scores))][0]


def _harmonic_columns(middle: Floats, harmonics: int) -> Floats:
    angle = 2.0 * np.pi * middle / DAY_S
    columns = [np.ones(len(middle))]
    for number in range(1, harmonics + 1):
        columns += [np.cos(number * angle), np.sin(number * angle)]
    return np.stack(columns, axis=1)


def _knot_columns(middle: Floats, span_s: float, knots: int) -> Floats:
    """Hat functions of a curve that is linear between knots."""
    places = np.linspace(0.0, span_s, knots)
    return np.stack([np.interp(middle, places, row) for row in np.eye(knots)], axis=1)


def _regression(counts: Floats, design: Floats) -> tuple[Floats, Floats]:
    """Coefficients and means of a Poisson regression with a logarithmic link, by iterated weighted least squares."""
    weights: Floats = np.asarray(np.linalg.lstsq(design, np.log(counts + 0.5), rcond=None)[0], dtype=np.float64)
    ridge = 1e-6 * np.eye(design.shape[1])
    for _ in range(ROUNDS):
        mean = np.exp(np.clip(design @ weights, -30.0, 30.0))
        step = np.linalg.solve(design.T @ (mean[:, None] * design) + ridge, design.T @ (counts - mean))
        weights = weights + np.clip(step, -1.0, 1.0)
    return weights, np.exp(np.clip(design @ weights, -30.0, 30.0))
