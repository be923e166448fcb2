"""A binary min-heap of (key, value) pairs on plain arrays, for numba loops."""

import numpy as np
from numba import njit


@njit(nogil=True)
def push(keys: np.ndarray, values: np.ndarray, size: int, key: int, value: int) -> int:
    """Insert a pair; ties leave in order of value. Returns the new size. The arrays must have room."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] < key or (keys[above] == key and values[above] <= value):
            break
        keys[at] = keys[above]
        values[at] = values[above]
        at = above
    keys[at] = key
    values[at] = value
    return size + 1


@njit(nogil=True)
def pop(keys: np.ndarray, values: np.ndarray, size: int) -> int:
    """Remove the smallest pair (read it at position 0 before). Returns the new size."""
    size -= 1
    key = keys[size]
    value = values[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        right = below + 1
        if right < size and (
            keys[right] < keys[below] or (keys[right] == keys[below] and values[right] < values[below])
        ):
            below = right
        if key < keys[below] or (key == keys[below] and value <= values[below]):
            break
        keys[at] = keys[below]
        values[at] = values[below]
        at = below
    keys[at] = key
    values[at] = value
    return size
