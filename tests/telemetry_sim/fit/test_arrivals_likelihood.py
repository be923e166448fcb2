"""The forward pass against brute force, and the discrete autoregression against its own moments."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from telemetry_sim.fit.arrivals_likelihood import (
    IMPOSSIBLE,
    chain_log_likelihood,
    count_probabilities,
    level_chain,
    pair_log_likelihood,
)

COUNTS = np.array([0, 2, 1, 0, 3], dtype=np.int64)


def test_the_forward_pass_sums_over_all_hidden_paths() -> None:
    start, chain = np.array([0.3, 0.7]), np.array([[0.8, 0.2], [0.4, 0.6]])
    table = count_probabilities(3, np.array([0.5, 2.5]), 1.0)
    total = 0.0
    for path in product((0, 1), repeat=len(COUNTS)):
        weight = start[path[0]] * np.prod([chain[a, b] for a, b in pairwise(path)])
        total += weight * np.prod([table[count, state] for count, state in zip(COUNTS, path, strict=True)])
    assert chain_log_likelihood(COUNTS, start, chain, table) == pytest.approx(np.log(total))


def test_two_chains_side_by_side_are_one_chain_of_pairs() -> None:
    _, start_a, chain_a = level_chain(0.7, 3)
    _, start_b, chain_b = level_chain(0.2, 2)
    table = count_probabilities(3, np.linspace(0.4, 4.0, 6), 1.3)
    start, chain = np.kron(start_a, start_b).astype(np.float64), np.kron(chain_a, chain_b).astype(np.float64)
    joint = chain_log_likelihood(COUNTS, start, chain, table)
    assert pair_log_likelihood(COUNTS, start_a, chain_a, start_b, chain_b, table) == pytest.approx(joint)


def test_counts_that_no_state_gives_are_impossible() -> None:
    table = np.array([[1.0], [0.0]])
    assert chain_log_likelihood(np.array([0, 1]), np.ones(1), np.ones((1, 1)), table) == IMPOSSIBLE


@given(memory=st.floats(0.0, 0.9999), count=st.integers(2, 20))
def test_the_discrete_autoregression_keeps_variance_and_correlation(memory: float, count: int) -> None:
    values, weights, chain = level_chain(memory, count)
    assert weights.sum() == pytest.approx(1.0)
    assert chain.sum(axis=1) == pytest.approx(np.ones(count))
    assert weights @ values**2 == pytest.approx(1.0)
    assert (weights * values) @ chain @ values == pytest.approx(memory, abs=1e-9)


@pytest.mark.parametrize("spread", [1.0, 1.7])
def test_counts_have_the_mean_and_the_spread_asked_for(spread: float) -> None:
    table = count_probabilities(200, np.array([6.0]), spread)[:, 0]
    law = poisson(6.0) if spread == 1.0 else nbinom(6.0 / (spread - 1.0), 1.0 / spread)
    assert table == pytest.approx(law.pmf(np.arange(201)), abs=1e-12)
