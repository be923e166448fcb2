"""Contents cut into runs of blocks that are always used together, and who starts after whom."""

import numpy as np
from numba import njit

from hwmodel.serving.engine import NONE
from hwmodel.serving.fast.records import RUN

OPEN_END = 2**62


def lineage(owner: np.ndarray, shared_blocks: np.ndarray, systems_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Runs of every content: cut wherever another call's content begins.

    Run c is what call c shares with nobody, its last one; shared runs follow from number `calls` on.

    Returns:
        The runs, as `RUN` records; and the first own run of each call.
    """
    size = owner.size
    sharing = np.flatnonzero(owner >= 0)
    most = int(shared_blocks.max(initial=0)) + 1
    order = sharing[np.argsort(owner[sharing] * most + shared_blocks[sharing], kind="stable")]
    runs = np.zeros(size + order.size, dtype=RUN)
    count, first_run = _cut(owner, shared_blocks, order, size + systems_count, runs)
    return runs[:count], first_run


@njit(cache=True)
def _cut(
    owner: np.ndarray, shared: np.ndarray, order: np.ndarray, contents: int, runs: np.ndarray
) -> tuple[int, np.ndarray]:
    size = owner.size
    last_run = np.full(contents, NONE, dtype=np.int64)
    first_run = np.arange(contents)
    attached_to = np.full(size, NONE, dtype=np.int64)
    count = size
    for at in range(order.size):
        call = order[at]
        content = owner[call]
        end = shared[call]
        last = last_run[content]
        if last < 0 or runs[last].hi < end:
            begin = runs[last].hi if last >= 0 else (shared[content] if content < size else 0)
            runs[count].lo, runs[count].hi, runs[count].parent = begin, end, last
            if last < 0:
                first_run[content] = count
            last_run[content] = count
            count += 1
        attached_to[call] = last_run[content]
    for call in range(size):
        last = last_run[call]
        runs[call].lo = runs[last].hi if last >= 0 else shared[call]
        runs[call].hi = OPEN_END
        runs[call].parent = last
    for call in range(size):
        runs[first_run[call]].parent = attached_to[call]
    return count, first_run[:size]


@njit(cache=True)
def followers(after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First call that starts after each call, and the next one that starts after the same."""
    first = np.full(after.size, NONE, dtype=np.int64)
    following = np.full(after.size, NONE, dtype=np.int64)
    for call in range(after.size - 1, -1, -1):
        before = after[call]
        if before >= 0:
            following[call] = first[before]
            first[before] = call
    return first, following
