"""Fit of the client-rate law: rank-share, each leader's course, typical courses of the rest, gaps inside windows."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
from scipy.optimize import brentq
from scipy.special import polygamma

from telemetry_sim.errors import SettingsError
from telemetry_sim.fit.client_gaps import gaps_of
from telemetry_sim.fitted.arrivals import FLAT, Course, DayHarmonic
from telemetry_sim.fitted.arrivals_course import DAY_S
from telemetry_sim.fitted.client_rates import ClientCourse, ClientRateLaw
from telemetry_sim.fitted.client_rates_draw import base_paths, log_spread, rates_from
from telemetry_sim.laws import Bools, Floats

RANK_KNOTS = (1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 45, 70, 100, 150, 250, 400, 700, 1000)
LEADERS = 24
"""Clients with a course of their own; they hold most of the rate and make the peaks."""
OTHERS = 6
LEAST_WINDOWS = 8
LEAST_SHAPE, MOST_SHAPE = 0.08, 60.0
PEAK_PATHS = 40
PEAK_SEED = 1_000_000
PEAK_ROUNDS = 8
LEAST_STRETCH, MOST_STRETCH = 0.4, 2.5
DAY_HARMONICS = 2
DAY_GAIN = 0.05
"""Share of the variance of the total that a daily course has to explain before it is taken for one."""


def fit_client_rates(windows: pl.DataFrame) -> ClientRateLaw:
    """The law of clients' rates.

    Args:
        windows: A ClientWindows frame of one service.

    Raises:
        SettingsError: if no client sends anything, or windows are not of one length.
    """
    if windows["window_s"].n_unique() != 1 or not (windows["rate_per_s"] > 0).any():
        raise SettingsError(
            f"{windows.height} windows: need one length of windows and a rate above 0; choose one model"
        )
    rates = rate_matrix(windows)
    order = np.argsort(-rates.mean(axis=1), kind="stable")
    rates = rates[order]
    mean = rates.mean(axis=1)
    rates, mean = rates[mean > 0], mean[mean > 0]
    share = np.cumsum(mean) / mean.sum()
    knots = [rank for rank in RANK_KNOTS if rank < len(mean)]
    course = _day_course(rates.sum(axis=0), float(windows["window_s"][0]))
    courses = [_course_of(row) for row in rates]
    known = [course for course in courses if course is not None]
    middle = known[len(known) // 2] if known else _STEADY
    told = [course or middle for course in courses]
    law = ClientRateLaw(
        clients_count=len(mean),
        windows_count=rates.shape[1],
        window_s=float(windows["window_s"][0]),
        total_rate_per_s=float(mean.sum()),
        rank_knots=(*knots, len(mean)),
        rank_shares=(*(float(share[rank - 1]) for rank in knots), 1.0),
        leaders=tuple(told[:LEADERS]),
        others=tuple(_typical(part) for part in _parts(told[LEADERS:])),
        course=course,
        gaps=gaps_of(windows),
        model=windows["model"][0],
    )
    return _with_peak(law, rates.sum(axis=0))


def rate_matrix(windows: pl.DataFrame) -> Floats:
    """Rates by client and window, 1/s; a window that is not told is silent. Shape (clients, windows)."""
    client = (windows["client_id"].rank("dense") - 1).to_numpy()
    step = float(windows["window_s"][0])
    window = np.rint((windows["window_start_s"].to_numpy() - windows["window_start_s"].min()) / step).astype(np.int64)
    matrix = np.zeros((int(client.max()) + 1, int(window.max()) + 1))
    matrix[client.astype(np.int64), window] = windows["rate_per_s"].to_numpy()
    return matrix


_STEADY = ClientCourse(
    active_ratio=1.0, run_windows_count=1.0, tail_shape_ratio=20.0, tail_power_ratio=1.0, memory_windows_count=6.0
)
"""A client of too few windows to tell anything: Poisson-like around its mean."""


def _course_of(rates: Floats) -> ClientCourse | None:
    """The course of one client, None if it is active too rarely to tell."""
    is_active = rates > 0
    count = int(is_active.sum())
    runs = int((np.diff(np.concatenate(([0], is_active.astype(np.int8)))) == 1).sum())
    if count < LEAST_WINDOWS:
        return None
    logs = np.log(rates[is_active])
    spread = max(float(logs.std()), 1e-3)
    skew = float(((logs - logs.mean()) ** 3).mean()) / spread**3
    shape = _shape_of_skew(skew)
    return ClientCourse(
        active_ratio=count / len(rates),
        run_windows_count=count / max(runs, 1),
        tail_shape_ratio=shape,
        tail_power_ratio=spread / log_spread(shape),
        memory_windows_count=_memory(rates, is_active, spread),
    )


def _memory(rates: Floats, is_active: Bools, spread: float) -> float:
    """Memory of the log-rate in windows, from the variance of its steps between active neighbours."""
    both = is_active[1:] & is_active[:-1]
    if both.sum() < LEAST_WINDOWS:
        return 1.0
    steps = np.diff(np.log(np.where(is_active, rates, 1.0)))[both]
    correlation = 1.0 - float(steps.var()) / (2.0 * spread**2)
    return float(-1.0 / np.log(np.clip(correlation, 0.05, 0.999)))


def _shape_of_skew(skew: float) -> float:
    """Shape of the Gamma variable whose logarithm has this skewness; it is negative for every Gamma."""

    def miss(log_shape: float) -> float:
        shape = float(np.exp(log_shape))
        return float(polygamma(2, shape)) / float(polygamma(1, shape)) ** 1.5 - skew

    low, high = float(np.log(LEAST_SHAPE)), float(np.log(MOST_SHAPE))
    if miss(low) >= 0.0:
        return LEAST_SHAPE
    if miss(high) <= 0.0:
        return MOST_SHAPE
    return float(np.exp(brentq(miss, low, high)))


def _parts(courses: list[ClientCourse]) -> list[list[ClientCourse]]:
    """Courses cut into up to `OTHERS` parts of like rank."""
    bounds = np.linspace(0, len(courses), OTHERS + 1).astype(int)
    return [courses[low:high] for low, high in pairwise(bounds) if high > low]


def _typical(courses: list[ClientCourse]) -> ClientCourse:
    """The course in the middle of several: the median of each number."""
    return ClientCourse(
        **{name: float(np.median([getattr(course, name) for course in courses])) for name in ClientCourse.__slots__}
    )


def _day_course(total: Floats, window_s: float) -> Course:
    """Daily course of the log of the total, by least squares; flat where it explains little or the trace is short."""
    told = total > 0
    if len(total) * window_s < 2.0 * DAY_S or told.sum() < 8 * DAY_HARMONICS:
        return FLAT
    angle = 2.0 * np.pi * (np.arange(len(total)) + 0.5) * window_s / DAY_S
    columns = [np.ones(len(total))]
    for number in range(1, DAY_HARMONICS + 1):
        columns += [np.cos(number * angle), np.sin(number * angle)]
    design, logs = np.stack(columns, axis=1)[told], np.log(total[told])
    weights, *_ = np.linalg.lstsq(design, logs, rcond=None)
    if float((design[:, 1:] @ weights[1:]).var()) < DAY_GAIN * float(logs.var()):
        return FLAT
    pairs = zip(weights[1::2], weights[2::2], strict=True)
    return Course(day_harmonics=tuple(DayHarmonic(cosine_ratio=float(a), sine_ratio=float(b)) for a, b in pairs))


def _with_peak(law: ClientRateLaw, total: Floats) -> ClientRateLaw:
    """The law with the powers of all clients stretched alike, so that its median peak-to-mean is the trace's."""
    wanted = float(np.log(total.max() / total.mean()))
    paths = [base_paths(law, seed=PEAK_SEED + number) for number in range(PEAK_PATHS)]

    def miss(log_stretch: float) -> float:
        moved = stretched(law, float(np.exp(log_stretch)))
        peaks = [_peak(rates_from(moved, path).sum(axis=0)) for path in paths]
        return float(np.log(np.median(peaks))) - wanted

    low, high = float(np.log(LEAST_STRETCH)), float(np.log(MOST_STRETCH))
    if miss(low) >= 0.0 or miss(high) <= 0.0:
        return stretched(law, LEAST_STRETCH if miss(low) >= 0.0 else MOST_STRETCH)
    for _ in range(PEAK_ROUNDS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if miss(middle) < 0.0 else (low, middle)
    return stretched(law, float(np.exp(0.5 * (low + high))))


def stretched(law: ClientRateLaw, factor: float) -> ClientRateLaw:
    """The law with the power of every client's rate multiplied."""

    def moved(courses: tuple[ClientCourse, ...]) -> tuple[ClientCourse, ...]:
        return tuple(replace(one, tail_power_ratio=one.tail_power_ratio * factor) for one in courses)

    return replace(law, leaders=moved(law.leaders), others=moved(law.others))


def _peak(total: Floats) -> float:
    return float(total.max() / total.mean())
