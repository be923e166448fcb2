"""The longest shared prefix where block ids name whole prefixes, as hashes of a trace do: no tree, only columns."""

import numpy as np
import polars as pl

from warehouse.ingest.shaping.prefix_tree import SharedPrefix, longest_shared_prefix, runs_of_ids

__all__ = ["shared_prefix_of_ids"]

DENSE_RATIO = 8
"""Ids up to this many times their count index arrays as they are; sparser ones are numbered first."""


def shared_prefix_of_ids(ids: pl.Series) -> SharedPrefix:
    """The longest common prefix of each call with all earlier calls, and the latest call that holds it.

    An id that always follows the same id names one prefix, so the blocks that any earlier call shares are those whose
    id was seen before, and all calls of a prefix are the calls of its last id. Where an id follows several others, the
    prefix tree (`prefix.py`) answers instead.

    Args:
        ids: List(Int64) of block ids, calls in order of time; no null lists, no null ids.
    """
    count = ids.list.len().to_numpy().astype(np.int64)
    dense = _dense(ids.explode(empty_as_null=False, keep_nulls=False).to_numpy())
    repeated = np.flatnonzero((np.bincount(dense) > 1)[dense])
    id_of = dense[repeated]
    before = dense[repeated - 1]
    before[_is_begin(len(dense), count)[repeated]] = -1
    first = _first_place(id_of)
    if not np.array_equal(before[first], before):
        return longest_shared_prefix(np.zeros(len(count), dtype=np.int64), runs_of_ids(ids))
    row = np.repeat(np.arange(len(count), dtype=np.int32), count)[repeated]
    seen = row[first] < row
    block_count = np.bincount(row[seen], minlength=len(count))
    return SharedPrefix(parent_row=_parents(id_of, row, seen, block_count), block_count=block_count)


def _dense(flat: np.ndarray) -> np.ndarray:
    """The ids, or numbers that stand for them where they are negative or far apart, in 32 bits."""
    if not len(flat) or (flat.min() >= 0 and flat.max() < min(DENSE_RATIO * len(flat) + 1024, 2**31)):
        return flat.astype(np.int32)
    return pl.Series(flat).rank("dense").to_numpy().astype(np.int32)


def _is_begin(size: int, count: np.ndarray) -> np.ndarray:
    """Whether a place is the first of its call."""
    begins = np.zeros(size, dtype=bool)
    begins[(np.cumsum(count) - count)[count > 0]] = True
    return begins


def _first_place(ids: np.ndarray) -> np.ndarray:
    """For each place the first place of the same id."""
    place = np.empty(int(ids.max(initial=0)) + 1, dtype=np.int32)
    place[ids[::-1]] = np.arange(len(ids) - 1, -1, -1, dtype=np.int32)  # of several the last assignment stays
    return np.asarray(place[ids])


def _parents(ids: np.ndarray, row: np.ndarray, seen: np.ndarray, block_count: np.ndarray) -> np.ndarray:
    """The latest earlier row that holds the last shared id of each row (-1: shares nothing)."""
    parent = np.full(len(block_count), -1, dtype=np.int64)
    ends = np.flatnonzero(seen[:-1] & ((row[1:] != row[:-1]) | ~seen[1:]))
    last = np.append(ends, len(ids) - 1) if len(seen) and seen[-1] else ends
    is_end = np.zeros(int(ids.max(initial=0)) + 1, dtype=bool)
    is_end[ids[last]] = True
    held = np.flatnonzero(is_end[ids])
    keys = (ids[held].astype(np.int64) << 32) | np.arange(len(held))
    keys.sort()  # by id, then by place
    place = keys & 0xFFFFFFFF
    same = (keys[1:] >> 32) == (keys[:-1] >> 32)
    previous = np.full(len(ids), -1, dtype=np.int64)
    previous[held[place[1:][same]]] = row[held[place[:-1][same]]]
    parent[row[last]] = previous[last]
    return parent
