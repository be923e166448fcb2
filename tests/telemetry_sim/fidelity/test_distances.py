"""Distances against scipy's, and their resampling against the plain one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp, wasserstein_distance

from telemetry_sim.fidelity.distances import group_weights, ks_distance, log_amounts, resampled_ks, wasserstein_log

AMOUNTS = st.lists(st.integers(0, 40), min_size=1, max_size=60).map(lambda values: np.array(values, dtype=np.float64))


@given(one=AMOUNTS, other=AMOUNTS)
def test_distances_are_scipys(one: np.ndarray, other: np.ndarray) -> None:
    assert ks_distance(one, other) == pytest.approx(ks_2samp(one, other).statistic)
    logs = wasserstein_distance(log_amounts(one), log_amounts(other))
    assert wasserstein_log(one, other) == pytest.approx(logs, abs=1e-12)


@given(one=AMOUNTS, other=AMOUNTS)
def test_a_resample_that_draws_every_group_once_is_the_sample(one: np.ndarray, other: np.ndarray) -> None:
    found = resampled_ks(one, np.arange(len(one)), other, np.ones((1, len(one))))
    assert found == pytest.approx([ks_distance(one, other)])


def test_a_resample_counts_a_group_as_often_as_it_is_drawn() -> None:
    real, groups = np.array([1.0, 2.0, 3.0]), np.array([0, 0, 1])
    found = resampled_ks(real, groups, np.array([3.0]), np.array([[2.0, 0.0], [0.0, 2.0]]))
    assert found == pytest.approx([1.0, 0.0])


def test_weights_draw_as_many_groups_as_there_are() -> None:
    weights = group_weights(7, 50, np.random.default_rng(1))
    assert weights.shape == (50, 7)
    assert (weights.sum(axis=1) == 7).all()


def test_an_empty_sample_has_no_distance() -> None:
    assert np.isnan(ks_distance(np.zeros(0), np.ones(3)))
    assert np.isnan(wasserstein_log(np.ones(3), np.zeros(0)))
