"""The one number for uneven groups against groups that are counted."""

import numpy as np
import pytest

from hwmodel.kernels.spread import spread_log, uniform_moment


@pytest.mark.parametrize("spread", [0.3, 2.0, 6.0])
def test_the_spread_of_groups_is_found_from_their_squares(spread: float) -> None:
    """A hundred thousand groups at even steps of the logarithm."""
    groups = np.exp((np.arange(100_000) + 0.5) / 1e5 * spread)
    moment = (groups**2).mean() / groups.mean() ** 2
    assert spread_log(np.array([moment]))[0] == pytest.approx(spread, rel=1e-3)


def test_equal_groups_have_no_spread() -> None:
    np.testing.assert_array_equal(spread_log(np.ones(3)), 0.0)


@pytest.mark.parametrize(("tokens", "share"), [(1, 0.25), (6, 0.25), (50, 8 / 128), (3000, 1 / 16)])
def test_the_moment_of_uniform_routing_is_that_of_many_draws(tokens: int, share: float) -> None:
    rows = np.random.default_rng(0).binomial(tokens, share, 400_000).astype(float)
    taken = rows[rows > 0]
    drawn = (taken**2).mean() / taken.mean() ** 2
    assert uniform_moment(np.array([float(tokens)]), share)[0] == pytest.approx(drawn, rel=5e-3)


def test_tokens_that_take_every_group_leave_them_equal() -> None:
    np.testing.assert_allclose(uniform_moment(np.array([0.0, 1.0, 77.0]), 1.0), 1.0)
