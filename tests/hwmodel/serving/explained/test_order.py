"""Agreement of ranks: exact chances over all orders, hours freed of who calls in them."""

from math import factorial

import numpy as np
import polars as pl
import pytest

from hwmodel.serving.explained.order import order_agreement, rank_correlation, slowness_by_hour
from tests.hwmodel.serving.explained.timed_calls import timed_calls

SIX = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
ALL_APART = ~np.eye(6, dtype=bool)


def test_the_same_order_is_one_of_all_orders() -> None:
    share, chance = order_agreement(SIX, SIX**0.3, ALL_APART)
    assert share == 1.0
    assert chance == pytest.approx(1.0 / factorial(6))


def test_one_neighbouring_swap_is_among_six_orders() -> None:
    # one order agrees on all 15 pairs, five on 14 of them
    swapped = SIX[[1, 0, 2, 3, 4, 5]]
    share, chance = order_agreement(SIX, swapped, ALL_APART)
    assert share == pytest.approx(14.0 / 15.0)
    assert chance == pytest.approx(6.0 / factorial(6))


def test_the_reverse_order_is_as_good_as_any() -> None:
    share, chance = order_agreement(SIX, SIX[::-1].copy(), ALL_APART)
    assert (share, chance) == (0.0, 1.0)


def test_pairs_that_the_telemetry_does_not_tell_apart_do_not_count() -> None:
    only_last = np.zeros((6, 6), dtype=bool)
    only_last[:5, 5] = True
    share, chance = order_agreement(SIX, np.array([5.0, 4.0, 3.0, 2.0, 1.0, 9.0]), only_last)
    assert share == 1.0
    assert chance == pytest.approx(1.0 / 6.0)
    assert order_agreement(SIX, SIX, np.zeros((6, 6), dtype=bool))[1] == 1.0


def test_slow_hours_are_found_where_they_are() -> None:
    hours = slowness_by_hour(timed_calls(slowest_hour=15))
    assert abs(int(np.argmax(hours)) - 15) <= 2
    assert abs(int(np.argmin(hours)) - 3) <= 2


def test_hours_with_longer_prompts_are_not_taken_for_slow_ones() -> None:
    even = timed_calls(swing_ratio=0.0, noise_ratio=0.05)
    only_long_at_noon = even.filter((pl.col("requested_at").dt.hour() != 12) | (pl.col("uncached_tokens") > 2_000))
    hours = slowness_by_hour(only_long_at_noon)
    assert abs(hours[12] - 0.5) < 0.1


def test_rank_correlation_is_spearmans() -> None:
    # 1 - 6 x sum of squared differences / (n (n^2 - 1)) = 1 - 6 x 8 / 60
    one, other = np.array([1.0, 2.0, 3.0, 4.0]), np.array([20.0, 40.0, 10.0, 30.0])
    squared = ((np.array([1, 2, 3, 4]) - np.array([2, 4, 1, 3])) ** 2).sum()
    assert rank_correlation(one, other) == pytest.approx(1.0 - 6.0 * squared / 60.0)
    assert np.isnan(rank_correlation(one, np.ones(4)))
    assert np.isnan(rank_correlation(one, np.array([1.0, 2.0, 3.0, np.nan])))
