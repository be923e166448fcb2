"""Widths of intervals: quantiles counted by hand, and levels that follow misses."""

import numpy as np
import pytest

from hwmodel.costmodel import NOTHING_ACQUIRED, Recalibration


def test_of_left_out_replays_the_score_that_ninety_per_cent_stay_below_sets_the_width() -> None:
    scores = np.arange(1.0, 20.0)
    assert NOTHING_ACQUIRED.factor(scores) == 18.0
    assert NOTHING_ACQUIRED.factor(np.array([0.3, 5.0])) == 5.0


def test_intervals_are_never_narrower_than_the_process_claims() -> None:
    assert NOTHING_ACQUIRED.factor(np.full(20, 0.1)) == 1.0


def test_picked_designs_far_off_widen_what_left_out_replays_would_not() -> None:
    told = NOTHING_ACQUIRED.after(np.full(8, 0.4), np.full(8, 0.1), 1.0)
    assert told.factor(np.full(20, 0.1)) == pytest.approx(0.4 / (1.645 * 0.1))
    assert told.level_ratio > NOTHING_ACQUIRED.level_ratio


def test_a_score_does_not_depend_on_the_widening_that_was_in_force() -> None:
    plain = NOTHING_ACQUIRED.after(np.array([0.2]), np.array([0.1]), 1.0)
    widened = NOTHING_ACQUIRED.after(np.array([0.2]), np.array([0.3]), 3.0)
    assert plain.scores == pytest.approx(widened.scores)


@pytest.mark.parametrize("sd_claimed", [0.02, 0.05, 0.2])
def test_whatever_deviation_is_claimed_the_interval_comes_to_cover_the_errors(sd_claimed: float) -> None:
    rng, told, inside = np.random.default_rng(0), Recalibration(), []
    for _ in range(60):
        sd = np.full(4, sd_claimed * told.factor(np.zeros(1)))
        error = rng.normal(0.0, 0.1, 4)
        inside.append(np.abs(error) <= 1.645 * sd)
        told = told.after(error, sd, float(sd[0] / sd_claimed))
    assert np.mean(inside[10:]) >= 0.85


def test_the_level_stays_within_its_range() -> None:
    missed = NOTHING_ACQUIRED
    for _ in range(50):
        missed = missed.after(np.ones(4), np.full(4, 0.01), 1.0)
    assert missed.level_ratio == 0.99
