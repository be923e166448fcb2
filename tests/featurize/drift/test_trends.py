from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from featurize import HistoryTooShortError
from featurize.drift import surface_trends
from featurize.drift.trends import FALSE_ALARM_RATIO
from tests.featurize.planted_sessions import START, mix_over_days

if TYPE_CHECKING:
    from featurize.drift import SurfaceTrend

SIZES = {"codex_loop": 400.0, "long_context_chat": 800.0, "api_burst": 2000.0, "multimodal": 600.0}


def trends(mix: pl.DataFrame, days: int) -> dict[str, "SurfaceTrend"]:
    seen = mix.filter(pl.col("day") < START + timedelta(days=days))
    return {trend.surface: trend for trend in surface_trends(seen.lazy())}


def test_a_surface_that_begins_to_grow_three_per_cent_a_day_is_flagged_within_a_week() -> None:
    flagged = []
    for seed in range(20):
        mix = mix_over_days(np.random.default_rng(seed), days=35, sizes=SIZES, growth={"long_context_chat": (0.03, 27)})
        flagged.append(any(trends(mix, days)["long_context_chat"].is_growing for days in range(29, 36)))
    assert np.mean(flagged) >= 0.9


def test_a_surface_that_grew_from_the_first_day_is_flagged_and_its_growth_estimated() -> None:
    mix = mix_over_days(np.random.default_rng(3), days=14, sizes=SIZES, growth={"api_burst": (0.03, 0)}, unrest=0.02)
    trend = trends(mix, 14)["api_burst"]
    assert trend.is_growing
    assert trend.low_ratio <= 0.03 <= trend.high_ratio
    assert trend.share_now_ratio > trend.share_before_ratio
    assert trend.share_growth_per_day_ratio > 0.01


def test_stationary_telemetry_is_flagged_in_four_weeks_no_more_often_than_stated() -> None:
    alarms = 0
    for seed in range(24):
        mix = mix_over_days(np.random.default_rng(100 + seed), days=42, sizes=SIZES)
        alarms += any(t.is_growing for days in range(15, 43) for t in trends(mix, days).values())
    assert FALSE_ALARM_RATIO == 0.05
    assert alarms <= 4  # 5 % of 24 is 1.2; more than 4 has a chance of 1 %


def test_a_weekend_is_not_a_trend() -> None:
    mix = mix_over_days(np.random.default_rng(5), days=26, sizes=SIZES, unrest=0.0, weekend_ratio=0.2)
    for days in (7, 9, 14, 20, 26):
        assert not any(trend.is_growing for trend in trends(mix, days).values())


def test_a_surface_that_was_not_there_before_is_flagged_at_once() -> None:
    mix = mix_over_days(np.random.default_rng(6), days=21, sizes=SIZES)
    new = mix_over_days(np.random.default_rng(7), days=21, sizes={"always_on_assistant": 150.0})
    mix = pl.concat([mix, new.filter(pl.col("day") >= START + timedelta(days=18))])
    assert trends(mix, 21)["always_on_assistant"].is_growing


def test_a_decline_is_told_and_not_flagged() -> None:
    mix = mix_over_days(np.random.default_rng(8), days=28, sizes=SIZES, growth={"codex_loop": (-0.04, 0)})
    trend = trends(mix, 28)["codex_loop"]
    assert trend.high_ratio < 0
    assert not trend.is_growing


def test_intervals_of_growth_hold_the_truth() -> None:
    inside = []
    for seed in range(40):
        rng = np.random.default_rng(200 + seed)
        trend = trends(mix_over_days(rng, days=28, sizes=SIZES, growth={"multimodal": (0.02, 0)}), 28)["multimodal"]
        inside.append(trend.low_ratio <= 0.02 <= trend.high_ratio or trend.days_count == 7)
    assert np.mean(inside) >= 0.88


def test_too_few_days_are_refused_with_the_number_that_is_needed() -> None:
    mix = mix_over_days(np.random.default_rng(9), days=4, sizes=SIZES)
    with pytest.raises(HistoryTooShortError, match="needs 6 days of telemetry, found 4"):
        surface_trends(mix.lazy())
