"""Regret of planted matrices."""

import numpy as np
import pytest

from hwmodel.design.explain import regret_of

VALUES = np.array([[1.0, 1.0, 1.0], [1.5, 0.8, 1.2], [1.2, 1.6, 1.1], [0.5, 0.5, 0.5]])


def test_the_best_design_of_a_scenario_regrets_nothing() -> None:
    found = regret_of(VALUES)
    assert found.regret_ratio.min(axis=0) == pytest.approx([0.0, 0.0, 0.0])
    assert found.regret_ratio[np.array([1, 2, 1]), np.arange(3)] == pytest.approx([0.0, 0.0, 0.0])


def test_a_design_that_is_best_everywhere_regrets_nothing_and_is_named_twice() -> None:
    found = regret_of(np.vstack([VALUES, VALUES.max(axis=0) + 0.1]))
    assert (found.minimax, found.least_mean) == (4, 4)
    assert (found.most_ratio[4], found.mean_ratio[4], found.top_ratio[4]) == pytest.approx((0.0, 0.0, 1.0))


def test_minimax_and_mean_are_those_worked_out_by_hand() -> None:
    found = regret_of(VALUES)
    assert found.most_ratio == pytest.approx([1.0 - 1.0 / 1.6, 0.5, 0.2, 1.0 - 0.5 / 1.6])
    assert found.mean_ratio[2] == pytest.approx((0.2 + 0.0 + 1.0 - 1.1 / 1.2) / 3.0)
    assert found.minimax == 2
    assert found.top_ratio == pytest.approx([1.0, 1.0, 1.0, 0.0])


def test_a_better_design_that_is_not_shown_raises_every_regret() -> None:
    found = regret_of(VALUES, np.array([3.0, 3.0, 3.0]))
    assert found.regret_ratio == pytest.approx(1.0 - VALUES / 3.0)


def test_designs_that_were_not_asked_are_left_out_and_those_that_cannot_serve_lose_all() -> None:
    values = np.array([[1.0, 2.0], [np.nan, np.nan], [0.0, 1.0]])
    found = regret_of(values)
    assert np.isnan(found.regret_ratio[1]).all()
    assert np.isnan(found.most_ratio[1])
    assert found.rank.tolist() == [[1, 1], [0, 0], [2, 2]]
    assert found.most_ratio[2] == pytest.approx(1.0)
