"""Pairs of a causal chunk against counting them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.kernels.attention import causal_pairs


@given(
    queries=st.integers(0, 60),
    context=st.integers(0, 60),
    window=st.one_of(st.just(np.inf), st.integers(1, 80).map(float)),
)
def test_causal_pairs_equal_the_count_over_queries(queries: int, context: int, window: float) -> None:
    counted = sum(min(context + i, window) for i in range(1, queries + 1))
    pairs = causal_pairs(np.array([float(queries)]), np.array([float(context)]), window)
    assert pairs[0] == pytest.approx(counted)
