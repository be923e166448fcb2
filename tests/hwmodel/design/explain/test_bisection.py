"""Thresholds on planted gaps whose zero is known."""

import numpy as np
import pytest

from hwmodel.design.explain import first_crossing


def test_the_threshold_of_a_linear_gap_is_found() -> None:
    assert first_crossing(lambda x: 3.0 - x, 16.0) == pytest.approx(3.0, rel=0.01)


def test_a_threshold_below_today_is_found_on_the_way_down() -> None:
    assert first_crossing(lambda x: x - 0.4, 1.0 / 16.0) == pytest.approx(0.4, rel=0.01)
    assert first_crossing(lambda x: x - 0.4, 16.0) is None


def test_no_threshold_inside_the_range_is_said_to_be_none() -> None:
    assert first_crossing(lambda x: 20.0 - x, 16.0) is None


def test_of_two_crossings_the_nearer_one_is_found() -> None:
    def gap(x: float) -> float:
        return -1.0 if 2.0 < x < 6.0 else 1.0

    assert first_crossing(gap, 16.0) == pytest.approx(2.0, rel=0.01)


def test_more_rounds_tell_the_threshold_finer() -> None:
    errors = [abs(np.log((first_crossing(lambda x: 5.0 - x, 16.0, rounds=rounds) or 1.0) / 5.0)) for rounds in (2, 12)]
    assert errors[1] < errors[0]
