"""Fronts and expected gains against brute force: sorted by hand, counted by cells, drawn by Monte Carlo."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.design.search import expected_improvement, front_of, hypervolume, pareto_order

REFERENCE = np.array([0.0, 0.0])


def points_of(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.5, 0.6, (count, 2))


def is_dominated(point: np.ndarray, others: np.ndarray) -> bool:
    return bool(((others >= point).all(axis=1) & (others > point).any(axis=1)).any())


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_the_front_holds_exactly_the_points_that_no_other_dominates(seed: int, count: int) -> None:
    points = points_of(seed, count)
    by_hand = sorted(tuple(p) for p in points.tolist() if not is_dominated(np.array(p), points))
    assert sorted(tuple(p) for p in front_of(points).tolist()) == by_hand


def test_the_area_of_a_staircase_is_counted_by_hand() -> None:
    points = np.array([[1.0, 3.0], [2.0, 2.0], [4.0, 1.0], [1.5, 1.5], [-1.0, 9.0], [9.0, -1.0]])
    assert hypervolume(points, REFERENCE) == pytest.approx(1.0 * 3.0 + 1.0 * 2.0 + 2.0 * 1.0)
    assert hypervolume(points[4:], REFERENCE) == 0.0


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_more_points_never_dominate_less(seed: int) -> None:
    points = points_of(seed, 20)
    areas = [hypervolume(points[:count], REFERENCE) for count in range(1, 21)]
    assert np.diff(areas).min() >= -1e-12


@pytest.mark.parametrize("front_count", [0, 1, 7])
def test_the_expected_gain_is_that_of_monte_carlo(front_count: int) -> None:
    rng = np.random.default_rng(3)
    front = rng.uniform(0.2, 1.5, (front_count, 2))
    mean, sd = rng.uniform(-0.5, 2.0, (6, 2)), rng.uniform(0.05, 0.8, (6, 2))
    exact = expected_improvement(mean, sd, front, REFERENCE)
    before = hypervolume(front, REFERENCE)
    for at in range(6):
        drawn = rng.normal(mean[at], sd[at], (4_000, 2))
        gains = [hypervolume(np.vstack([front, point]), REFERENCE) - before for point in drawn]
        assert exact[at] == pytest.approx(np.mean(gains), abs=4.0 * np.std(gains) / np.sqrt(4_000) + 1e-9)


def test_a_sure_design_below_the_front_gains_nothing_and_one_above_its_area() -> None:
    front, sure = np.array([[2.0, 2.0]]), np.full((2, 2), 1e-9)
    gain = expected_improvement(np.array([[1.0, 1.0], [3.0, 3.0]]), sure, front, REFERENCE)
    assert gain == pytest.approx([0.0, 5.0], abs=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_no_design_comes_before_one_that_dominates_it(seed: int, count: int) -> None:
    points = points_of(seed, count)
    order = pareto_order(points).tolist()
    assert sorted(order) == list(range(count))
    for at, row in enumerate(order):
        later = points[order[at + 1 :]]
        assert not is_dominated(points[row], later)
