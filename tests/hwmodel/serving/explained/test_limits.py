"""The limits that are formulas."""

import numpy as np
import pytest

from hwmodel.serving.explained.limits import least_correlation
from hwmodel.serving.explained.order import rank_correlation


def test_unrelated_rankings_reach_the_least_correlation_once_in_twenty() -> None:
    rng = np.random.default_rng(5)
    hours = np.arange(24.0)
    reached = [rank_correlation(hours, rng.permutation(hours)) >= least_correlation(24) for _ in range(2_000)]
    assert np.mean(reached) == pytest.approx(0.05, abs=0.015)
