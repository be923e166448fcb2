"""The heap of the loop against the one of the standard library."""

import heapq

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.serving.heap import pop, push

PAIRS = st.tuples(st.integers(0, 6), st.integers(0, 9))


@given(moves=st.lists(st.one_of(PAIRS, st.none()), max_size=200))
def test_pairs_leave_in_order_of_key_and_then_of_value(moves: list[tuple[int, int] | None]) -> None:
    keys, values = np.zeros(201, dtype=np.int64), np.zeros(201, dtype=np.int64)
    size = 0
    expected: list[tuple[int, int]] = []
    for move in moves:
        if move is not None:
            size = push(keys, values, size, *move)
            heapq.heappush(expected, move)
        elif expected:
            assert (keys[0], values[0]) == heapq.heappop(expected)
            size = pop(keys, values, size)
        assert size == len(expected)
        if expected:
            assert (keys[0], values[0]) == expected[0]
    while expected:
        assert (keys[0], values[0]) == heapq.heappop(expected)
        size = pop(keys, values, size)
    assert size == 0


@given(keys_in=st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=60))
def test_the_largest_times_keep_their_order(keys_in: list[int]) -> None:
    keys, values = np.zeros(61, dtype=np.int64), np.zeros(61, dtype=np.int64)
    size = 0
    for position, key in enumerate(keys_in):
        size = push(keys, values, size, key, position)
    left = []
    while size:
        left.append((int(keys[0]), int(values[0])))
        size = pop(keys, values, size)
    assert left == sorted((key, position) for position, key in enumerate(keys_in))
