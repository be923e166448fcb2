import math

import numpy as np
import pytest
from numba import njit
from scipy import stats

from telemetry_sim.laws import Floats
from telemetry_sim.population.gaps import EXPONENTIAL, GAMMA, WEIBULL, first_gap_draw, gap_draw
from telemetry_sim.streams import Keys, child_keys, root_key

COUNT = 40_000
KEYS = child_keys(root_key(11), np.arange(COUNT))
LAWS = [
    (EXPONENTIAL, 1.0, stats.expon()),
    (GAMMA, 0.2, stats.gamma(0.2, scale=5.0)),
    (GAMMA, 1.0, stats.expon()),
    (GAMMA, 3.0, stats.gamma(3.0, scale=1 / 3)),
    (WEIBULL, 0.42, stats.weibull_min(0.42, scale=1 / math.gamma(1 + 1 / 0.42))),
    (WEIBULL, 2.0, stats.weibull_min(2.0, scale=1 / math.gamma(1.5))),
]


@njit(cache=False)
def drawn(keys: Keys, law: int, shape: float, first: int) -> Floats:
    gaps = np.empty(len(keys))
    for place in range(len(keys)):
        gaps[place] = first_gap_draw(keys[place], law, shape) if first else gap_draw(keys[place], law, shape)
    return gaps


@pytest.mark.parametrize(("law", "shape", "expected"), LAWS)
def test_gaps_follow_their_law_with_mean_one(law: int, shape: float, expected: stats.rv_continuous) -> None:
    gaps = drawn(KEYS, law, shape, 0)
    assert expected.mean() == pytest.approx(1.0)
    assert stats.kstest(gaps, expected.cdf).statistic < 1.63 / math.sqrt(COUNT)


@pytest.mark.parametrize(("law", "shape", "expected"), LAWS)
def test_the_first_gap_is_the_residual_life_of_the_law(law: int, shape: float, expected: stats.rv_continuous) -> None:
    """Density of the residual life is the chance that a gap is longer, over the mean (renewal theory)."""
    firsts = np.sort(drawn(KEYS, law, shape, 1))
    grid = np.concatenate([[0.0], np.geomspace(1e-12, firsts[-1] * 1.01, 20_000)])
    alive = expected.sf(grid)
    cdf = np.concatenate([[0.0], np.cumsum(np.diff(grid) * (alive[1:] + alive[:-1]) / 2)])
    assert stats.kstest(firsts, lambda x: np.interp(x, grid, cdf)).statistic < 1.8 / math.sqrt(COUNT)
