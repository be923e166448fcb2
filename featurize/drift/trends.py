"""Trends: does a surface's volume, or its share of all sessions, grow from day to day beyond weekdays and noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import stdtr, stdtrit

from featurize.errors import HistoryTooShortError

FALSE_ALARM_RATIO = 0.05
"""Chance of any flag in four weeks of daily looks at all surfaces of stationary telemetry (Bonferroni over days,
surfaces and the two windows). Assumed: one false lead in a year and a half."""

LOOKS_COUNT = 18
"""Independent looks that four weeks of daily looks amount to, which share the false alarms. Calibrated by simulation:
neighbouring looks share all days but one, and with 18 the alarms of stationary telemetry stay within the rate."""

RECENT_DAYS = 7
"""A surface that begins to grow is to be seen within a week."""

WINDOW_DAYS = 28
"""Days that are looked at: four of each weekday."""

MIN_DAYS = 6
"""Days without which no trend can be told from noise: a level, a slope and weekends leave three to judge by."""

BORROWED_FREEDOM = 20
"""Degrees of freedom that a surface's noise may borrow from the other surfaces' at most. Assumed: their noise is alike
once it is measured against that of counts."""

_SATURDAY = 6
_FULL_WEEKS = 14

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceTrend:
    """How a surface grows.

    Attributes:
        surface: which.
        session_count: sessions of the last day.
        days_count: days that the slope is over: the last week, or all.
        growth_per_day_ratio: growth of sessions per day (0.03 is 3 %).
        low_ratio: lower end of its 95 % interval.
        high_ratio: upper end.
        p_value: chance of so steep a growth if there were none (both windows accounted for).
        share_before_ratio: share of all sessions in the days before the last week.
        share_now_ratio: share of all sessions in the last week.
        share_growth_per_day_ratio: growth per day of the odds of the share.
        share_p_value: as `p_value`, of the share.
        is_growing: whether the growth of the volume passes the stated false-alarm rate.
    """

    surface: str
    session_count: int
    days_count: int
    growth_per_day_ratio: float
    low_ratio: float
    high_ratio: float
    p_value: float
    share_before_ratio: float
    share_now_ratio: float
    share_growth_per_day_ratio: float
    share_p_value: float
    is_growing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    slope: float
    error: float
    freedom: int


def surface_trends(mix: pl.LazyFrame) -> tuple[SurfaceTrend, ...]:
    """Trend of each surface over the last `WINDOW_DAYS` days of a frame. Collects.

    log(sessions) is linear in the day plus an effect of the weekday (of the weekend, below two full weeks). Two windows
    are tried: a slope over all days, and a slope over the last week after a level before it, which sees a start of
    growth within days. Noise is that of counts plus an unrest that is estimated with what the other surfaces tell
    (as Smyth, Stat. Appl. Genet. Mol. Biol. 3 (2004) 3, borrows across genes). The test is for growth, not for decline.

    Args:
        mix: frame valid under `WorkloadMix`; a day on which a surface has no row had none of its sessions.

    Raises:
        HistoryTooShortError: fewer than `MIN_DAYS` days.
    """
    daily = mix.select(pl.col("surface").cast(pl.String), "day", "session_count").collect()
    days, surfaces, counts = _count_table(daily)
    if len(days) < MIN_DAYS:
        raise HistoryTooShortError(
            f"a trend needs {MIN_DAYS} days of telemetry, found {len(days)}: keep more history or wait"
        )
    whole = counts.sum(axis=1, keepdims=True)
    volume = _tested(days, np.log(counts + 0.5), 1.0 / (counts + 0.5))
    rest = whole - counts
    share = _tested(days, np.log((counts + 0.5) / (rest + 0.5)), 1.0 / (counts + 0.5) + 1.0 / (rest + 0.5))
    recent = np.array([day > days[-1] - timedelta(days=RECENT_DAYS) for day in days])
    level = FALSE_ALARM_RATIO / LOOKS_COUNT / len(surfaces)
    return tuple(
        SurfaceTrend(
            surface=surface,
            session_count=int(counts[-1, number]),
            days_count=volume[number].days_count,
            growth_per_day_ratio=float(np.expm1(volume[number].slope)),
            low_ratio=float(np.expm1(volume[number].low)),
            high_ratio=float(np.expm1(volume[number].high)),
            p_value=volume[number].p_value,
            share_before_ratio=_share(counts, whole, ~recent if (~recent).any() else recent, number),
            share_now_ratio=_share(counts, whole, recent, number),
            share_growth_per_day_ratio=float(np.expm1(share[number].slope)),
            share_p_value=share[number].p_value,
            is_growing=volume[number].slope > 0.0 and volume[number].p_value <= level,
        )
        for number, surface in enumerate(surfaces)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tested:
    slope: float
    low: float
    high: float
    p_value: float
    days_count: int


def _count_table(daily: pl.DataFrame) -> tuple[list[date], list[str], Floats]:
    """Days in order, surfaces, and sessions by day and surface, of the window."""
    last = daily["day"].max()
    if not isinstance(last, date):
        return [], [], np.zeros((0, 0))
    daily = daily.filter(pl.col("day") > last - timedelta(days=WINDOW_DAYS))
    days, surfaces = daily["day"].unique().sort(), daily["surface"].unique().sort()
    counts = np.zeros((len(days), len(surfaces)))
    counts[days.search_sorted(daily["day"]).to_numpy(), surfaces.search_sorted(daily["surface"]).to_numpy()] = daily[
        "session_count"
    ].to_numpy()
    return days.to_list(), surfaces.to_list(), counts


def _tested(days: Sequence[date], logs: Floats, variances: Floats) -> list[_Tested]:
    """The clearer of both windows for each column of `logs`."""
    place = np.array([(day - days[-1]).days for day in days], dtype=np.float64)
    windows = [(len(days), place)]
    if place[0] <= -2 * RECENT_DAYS + 1:
        windows.append((RECENT_DAYS, np.maximum(place + RECENT_DAYS, 0.0)))
    tried = [_fits(days, ramp, logs, variances) for _, ramp in windows]
    found = []
    for number in range(logs.shape[1]):
        fits = zip(windows, tried, strict=True)
        options = [_option(fit[number], days_count, len(windows)) for (days_count, _), fit in fits]
        found.append(min(options, key=lambda option: option.p_value))
    return found


def _option(fit: "_Fit", days_count: int, windows_count: int) -> _Tested:
    """A window's slope with interval, and its chance under no growth, windows accounted for."""
    p_value = min(1.0, windows_count * float(stdtr(fit.freedom, -fit.slope / fit.error)))
    reach = float(stdtrit(fit.freedom, 0.975)) * fit.error
    return _Tested(
        slope=fit.slope, low=fit.slope - reach, high=fit.slope + reach, p_value=p_value, days_count=days_count
    )


def _fits(days: Sequence[date], ramp: Floats, logs: Floats, variances: Floats) -> list[_Fit]:
    """Slope of each column on a ramp, beside a level and the days' kinds, under noise of counts plus unrest."""
    design = np.column_stack([ramp, np.ones(len(days)), *_kinds_of_day(days)])
    freedom = max(len(days) - int(np.linalg.matrix_rank(design)), 1)
    plain = logs - design @ (np.linalg.pinv(design) @ logs)
    unrest = (plain**2).sum(axis=0) / freedom - variances.mean(axis=0)
    fits = []
    for number in range(logs.shape[1]):
        others = np.delete(unrest, number)
        borrowed = min(freedom * len(others), BORROWED_FREEDOM)
        theirs = float(others.mean()) if len(others) else 0.0
        own = max((freedom * float(unrest[number]) + borrowed * theirs) / (freedom + borrowed), 0.0)
        weights = 1.0 / (variances[:, number] + own)
        spread = np.linalg.pinv(design.T @ (design * weights[:, None]))
        coefficients = spread @ (design.T @ (weights * logs[:, number]))
        residuals = logs[:, number] - design @ coefficients
        scale = max(1.0, (float((weights * residuals**2).sum()) + borrowed) / (freedom + borrowed))
        error = max(float(np.sqrt(scale * spread[0, 0])), 1e-12)
        fits.append(_Fit(slope=float(coefficients[0]), error=error, freedom=freedom + borrowed))
    return fits


def _kinds_of_day(days: Sequence[date]) -> list[Floats]:
    """Indicators of weekdays but one; of the weekend only, below two full weeks."""
    weekday = np.array([day.isoweekday() for day in days])
    if len(days) >= _FULL_WEEKS:
        return [(weekday == number).astype(np.float64) for number in range(2, 8) if (weekday == number).any()]
    weekend = (weekday >= _SATURDAY).astype(np.float64)
    return [weekend] if 0.0 < weekend.mean() < 1.0 else []


def _share(counts: Floats, whole: Floats, chosen: npt.NDArray[np.bool_], number: int) -> float:
    return float(counts[chosen, number].sum() / max(whole[chosen].sum(), 1.0))
