"""Ids of prompt blocks out of prefix lineage: a call's first blocks are its parent's, the rest are new."""

from dataclasses import dataclass, field

import numpy as np
from numba import njit

from telemetry_sim.laws import Ints

ROOT = -1


@dataclass(slots=True)
class PrefixTree:
    """Grows by batches of calls; 28 bytes per call are kept, ids are made when asked for.

    A call's blocks are [0, own_from) of the call that it links to, then its own from there on, numbered from
    `first_id` in one namespace. Links skip calls that contribute nothing, so a chain is never longer than the blocks
    it yields.
    """

    block_count: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    own_from: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    first_id: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    link: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    next_id: int = 0

    def __len__(self) -> int:
        return len(self.link)

    def grow(self, block_count: Ints, parent_row: Ints, shared_blocks: Ints) -> Ints:
        """Adds calls and tells their row numbers.

        Args:
            block_count: Blocks of each prompt.
            parent_row: Row of the call whose prompt the first blocks are those of, above in the tree; ROOT for none.
            shared_blocks: How many of the first blocks; at most those of either prompt are shared.
        """
        base = len(self)
        own_from, link = _linked(self.own_from, self.link, self.block_count, block_count, parent_row, shared_blocks)
        new = block_count - own_from
        first_id = self.next_id + np.cumsum(new) - new
        self.block_count = np.concatenate([self.block_count, block_count])
        self.own_from = np.concatenate([self.own_from, own_from])
        self.first_id = np.concatenate([self.first_id, first_id])
        self.link = np.concatenate([self.link, link])
        self.next_id += int(new.sum())
        return np.arange(base, base + len(block_count))

    def ids(self, rows: Ints) -> Ints:
        """Ids of the blocks of some calls, one call after the other."""
        return _expanded(rows, self.block_count, self.own_from, self.first_id, self.link)


@njit(cache=True, nogil=True)
def _linked(
    old_own_from: Ints,
    old_link: Ints,
    old_count: Ints,
    block_count: Ints,
    parent_row: Ints,
    shared_blocks: Ints,
) -> tuple[Ints, Ints]:
    """Where each new call's own blocks begin, and the nearest call above that has one of the blocks before."""
    base = len(old_link)
    own_from, link = np.zeros(len(block_count), np.int64), np.full(len(block_count), ROOT, np.int64)
    for place in range(len(block_count)):
        above = parent_row[place]
        if above < 0 or above >= base + place:
            continue
        above_count = old_count[above] if above < base else block_count[above - base]
        shared = min(shared_blocks[place], above_count, block_count[place])
        own_from[place] = shared
        while above >= 0 and shared > 0:
            begins = old_own_from[above] if above < base else own_from[above - base]
            if begins < shared:
                link[place] = above
                break
            above = old_link[above] if above < base else link[above - base]
    return own_from, link


@njit(cache=True, nogil=True)
def _expanded(rows: Ints, block_count: Ints, own_from: Ints, first_id: Ints, link: Ints) -> Ints:
    total = 0
    for row in rows:
        total += block_count[row]
    ids, begin = np.empty(total, np.int64), 0
    for row in rows:
        upto, at = block_count[row], row
        while upto > 0:
            for block in range(own_from[at], upto):
                ids[begin + block] = first_id[at] + block - own_from[at]
            upto = min(upto, own_from[at])
            at = link[at]
        begin += block_count[row]
    return ids
