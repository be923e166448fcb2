"""Does the declared incumbent explain a day of telemetry: the tests of shape, with value, limit and finding."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.serving.explained.limits import (
    APART_ERRORS_COUNT,
    GROUPS_COUNT,
    INTERVAL_ERRORS_COUNT,
    LEAST_RELIABILITY_RATIO,
    MOST_CHANCE_RATIO,
    MOST_DISTANCE_RATIO,
    least_correlation,
)
from hwmodel.serving.explained.order import order_agreement, rank_correlation, slowness_by_hour, typical_s
from hwmodel.serving.explained.shape import Likeness, cells_of, likeness


class Finding(StrEnum):
    """What a test says."""

    HOLDS = "holds"
    FAILS = "fails"
    UNTOLD = "untold"
    """The telemetry is too little, or too even, to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeTest:
    """One statistic held against its limit."""

    name: str
    value: float
    """Not a number where there is nothing to compare."""
    low: float
    high: float
    """Interval of 90 %; equal to the value where the test is by chance over orders."""
    limit: float
    finding: Finding
    said: str
    """What was compared and what the limit means, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All tests of a day."""

    tests: tuple[ShapeTest, ...]
    likeness: Likeness | None
    surfaces: pl.DataFrame
    """Columns: surface, observed_ttft_s, replayed_ttft_s, observed_tpot_s, replayed_tpot_s (medians)."""
    hours: pl.DataFrame
    """Columns: hour, observed_rank_ratio, replayed_rank_ratio (mean rank of the first token among like calls)."""

    @property
    def finding(self) -> Finding:
        """Fails where one test fails; holds where none fails and the profile of times holds."""
        found = [test.finding for test in self.tests]
        if Finding.FAILS in found:
            return Finding.FAILS
        return self.tests[0].finding


def judge(observed: pl.DataFrame, replayed: pl.DataFrame) -> Verdict:
    """Compare shapes of two frames valid under `TimedCalls`, telemetry first; deterministic."""
    surfaces = sorted(set(observed["surface"].cast(pl.String)) & set(replayed["surface"].cast(pl.String)))
    other = cells_of(replayed)
    found = likeness(cells_of(observed), other)
    tests = (
        _profile(observed, other, found),
        _order(observed, replayed, "ttft_s", "time to first token", surfaces),
        _order(observed, replayed, "tpot_s", "time per output token", surfaces),
        _hours(observed, replayed),
    )
    return Verdict(
        tests=tests,
        likeness=found,
        surfaces=_surfaces(observed, replayed, surfaces),
        hours=pl.DataFrame(
            {
                "hour": list(range(24)),
                "observed_rank_ratio": pl.Series(slowness_by_hour(observed)).fill_nan(None),
                "replayed_rank_ratio": pl.Series(slowness_by_hour(replayed)).fill_nan(None),
            }
        ),
    )


def _profile(observed: pl.DataFrame, other: pl.DataFrame, found: Likeness | None) -> ShapeTest:
    said = "typical factor between the replay's times and the telemetry's once one common factor is taken out, over "
    said += "surfaces, lengths and measures; the interval comes from leaving out sessions"
    if found is None:
        return _untold("profile of times", MOST_DISTANCE_RATIO, said)

    def log_distance(part: pl.DataFrame) -> Float[np.ndarray, "1"]:
        like = likeness(cells_of(part), other)
        return np.array([np.nan if like is None else np.log(like.distance_ratio)])

    error = float(np.nan_to_num(_errors(observed, log_distance)[0]))
    reach = float(np.exp(INTERVAL_ERRORS_COUNT * error))
    low, high = max(found.distance_ratio / reach, 1.0), found.distance_ratio * reach
    finding = Finding.UNTOLD
    if high <= MOST_DISTANCE_RATIO:
        finding = Finding.HOLDS
    elif low > MOST_DISTANCE_RATIO:
        finding = Finding.FAILS
    return ShapeTest(
        name="profile of times",
        value=found.distance_ratio,
        low=low,
        high=high,
        limit=MOST_DISTANCE_RATIO,
        finding=finding,
        said=said,
    )


def _order(observed: pl.DataFrame, replayed: pl.DataFrame, column: str, what: str, surfaces: list[str]) -> ShapeTest:
    name = f"order of surfaces by {what}"
    said = f"chance of ordering the surfaces by {what} as well as the replay does, over the pairs that telemetry "
    said += "and replay both tell apart"
    own, other = (typical_s(calls, column, surfaces) for calls in (observed, replayed))
    known = np.isfinite(own) & np.isfinite(other)
    kept = [surface for surface, is_known in zip(surfaces, known, strict=True) if is_known]
    errors = _errors(observed, lambda part: np.log(typical_s(part, column, kept)))
    gap = np.abs(np.subtract.outer(np.log(own[known]), np.log(own[known])))
    accident = APART_ERRORS_COUNT * np.hypot.outer(errors, errors)
    tolerance = np.log(MOST_DISTANCE_RATIO)
    other_gap = np.abs(np.subtract.outer(np.log(other[known]), np.log(other[known])))
    is_apart = (gap > np.maximum(accident, tolerance)) & (other_gap > tolerance)
    share, chance = order_agreement(own[known], other[known], is_apart)
    _, best_chance = order_agreement(own[known], own[known], is_apart)
    if best_chance > MOST_CHANCE_RATIO:
        return _untold(name, MOST_CHANCE_RATIO, f"{said}; even a perfect order would be likely by chance")
    finding = Finding.HOLDS if chance <= MOST_CHANCE_RATIO else Finding.FAILS
    return ShapeTest(
        name=name,
        value=chance,
        low=chance,
        high=chance,
        limit=MOST_CHANCE_RATIO,
        finding=finding,
        said=f"{said} ({share:.0%} agree)",
    )


def _hours(observed: pl.DataFrame, replayed: pl.DataFrame) -> ShapeTest:
    name = "hours of the day"
    said = "rank correlation of the hours by how slowly the first token comes among like calls"
    own, other = slowness_by_hour(observed), slowness_by_hour(replayed)
    places = int((np.isfinite(own) & np.isfinite(other)).sum())
    limit = least_correlation(max(places, 4))
    half = rank_correlation(*(slowness_by_hour(observed.filter(pl.col("session") % 2 == part)) for part in (0, 1)))
    reliability = 2.0 * half / (1.0 + half) if half > 0.0 else 0.0
    value = rank_correlation(own, other)
    if reliability < LEAST_RELIABILITY_RATIO:
        return _untold(name, limit, f"{said}; the telemetry's halves agree by {reliability:.2f} only")
    if not np.isfinite(value):
        value = 0.0
    error = float(np.nan_to_num(_errors(observed, lambda part: _correlated(part, other))[0]))
    low, high = max(value - INTERVAL_ERRORS_COUNT * error, -1.0), min(value + INTERVAL_ERRORS_COUNT * error, 1.0)
    finding = Finding.UNTOLD
    if value >= limit:
        finding = Finding.HOLDS
    elif high <= 0.0:  # no likeness seen is not unlikeness shown
        finding = Finding.FAILS
    return ShapeTest(name=name, value=value, low=low, high=high, limit=limit, finding=finding, said=said)


def _correlated(part: pl.DataFrame, other: Float[np.ndarray, "hours"]) -> Float[np.ndarray, "1"]:
    return np.array([rank_correlation(slowness_by_hour(part), other)])


def _untold(name: str, limit: float, said: str) -> ShapeTest:
    nan = float("nan")
    return ShapeTest(name=name, value=nan, low=nan, high=nan, limit=limit, finding=Finding.UNTOLD, said=said)


def _errors(
    calls: pl.DataFrame, statistic: Callable[[pl.DataFrame], Float[np.ndarray, "values"]]
) -> Float[np.ndarray, "values"]:
    """Standard errors of a statistic, leaving out one group of sessions after the other (delete-a-group jackknife)."""
    group = pl.col("session") % GROUPS_COUNT
    values = np.stack([statistic(calls.filter(group != left_out)) for left_out in range(GROUPS_COUNT)])
    spread = ((values - values.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.sqrt(spread * (GROUPS_COUNT - 1) / GROUPS_COUNT))


def _surfaces(observed: pl.DataFrame, replayed: pl.DataFrame, surfaces: list[str]) -> pl.DataFrame:
    columns = {
        f"{side}_{column}": pl.Series(typical_s(calls, column, surfaces)).fill_nan(None)
        for column in ("ttft_s", "tpot_s")
        for side, calls in (("observed", observed), ("replayed", replayed))
    }
    return pl.DataFrame({"surface": pl.Series(surfaces, dtype=pl.String), **columns})
