"""The fit of the table of dependence: even margins, planted dependence found again."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from telemetry_sim.fit import fit_law
from telemetry_sim.fit.dependence_fit import dependence_of
from telemetry_sim.fitted.dependence import shares_given


@pytest.mark.parametrize("planted", [-0.6, 0.0, 0.6])
def test_a_planted_rank_correlation_is_found_and_played(planted: float) -> None:
    generator = np.random.default_rng(2)
    pair = generator.multivariate_normal([0, 0], [[1, planted], [planted, 1]], size=6_000)
    one, other = np.rint(np.exp(6 + pair[:, 0])), np.rint(np.exp(3 + 0.5 * pair[:, 1]))
    one_law, other_law = fit_law(one), fit_law(other)
    table = dependence_of(one_law, one, other_law, other)
    assert np.sum(table, axis=0) == pytest.approx(np.ones(len(table)), abs=1e-3)
    assert np.sum(table, axis=1) == pytest.approx(np.ones(len(table)), abs=1e-3)
    given = generator.random(20_000)
    made = shares_given(table, given, generator.random(20_000))
    assert spearmanr(given, made)[0] == pytest.approx(spearmanr(one, other)[0], abs=0.03)


def test_a_value_that_half_of_the_calls_share_is_spread_over_its_bands() -> None:
    generator = np.random.default_rng(3)
    one = np.rint(np.exp(generator.normal(5, 1, size=4_000)))
    other = np.where(generator.random(4_000) < 0.5, 7.0, np.rint(np.exp(generator.normal(4, 0.5, size=4_000))))
    table = np.asarray(dependence_of(fit_law(one), one, fit_law(other), other))
    assert len(table) == 8
    assert np.abs(table - 1 / 8).max() < 0.06


def test_few_calls_tell_no_table() -> None:
    values = np.arange(1.0, 100.0)
    assert dependence_of(fit_law(values), values, fit_law(values), values) == ()
