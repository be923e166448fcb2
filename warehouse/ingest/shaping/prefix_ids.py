"""The longest shared prefix where block ids name whole prefixes, as hashes of a trace do: no tree, only columns."""

import numpy as np
import polars as pl

from warehouse.ingest.shaping.prefix_tree import SharedPrefix, longest_shared_prefix, runs_of_ids

__all__ = ["shared_prefix_of_ids"]

DENSE_RATIO = 8
"""Ids up to this many times their count index arrays as they are; sparser ones are numbered first."""
STRETCH_IDS = 1 << 17
"""Ids looked at together: few enough that what is made of them stays in the processor's cache."""


def shared_prefix_of_ids(ids: pl.Series) -> SharedPrefix:
    """The longest common prefix of each call with all earlier calls, and the latest call that holds it.

    An id that always follows the same id names one prefix, so the blocks that any earlier call shares are those whose
    id was seen before, and all calls of a prefix are the calls of its last id. Such an id stands in a call only once:
    the ids before it would come twice too, and the call's first, which follows none, would follow one. Where an id
    follows several others, the prefix tree (`prefix_tree.py`) answers instead.

    Args:
        ids: List of Int32 or Int64 block ids, calls in order of time; no null lists, no null ids.
    """
    count = ids.list.len().to_numpy().astype(np.int64)
    dense = _dense(ids.explode(empty_as_null=False, keep_nulls=False).to_numpy())
    again, first = _seen_before(dense)
    before, first_before = dense[again - 1], dense[first - 1]
    offset = np.concatenate(([0], np.cumsum(count)))
    block_count = np.diff(np.searchsorted(again, offset))
    row = np.repeat(np.arange(len(count), dtype=np.int32), block_count)
    before[offset[row] == again] = -1
    first_before[_is_begin(len(dense), offset)[first]] = -1
    if not np.array_equal(before, first_before):
        return longest_shared_prefix(np.zeros(len(count), dtype=np.int64), runs_of_ids(ids))
    return SharedPrefix(parent_row=_parents(first, row, offset), block_count=block_count)


def _dense(flat: np.ndarray) -> np.ndarray:
    """The ids, or numbers that stand for them where they are negative or far apart, in 32 bits."""
    if not len(flat) or (flat.min() >= 0 and flat.max() < min(DENSE_RATIO * len(flat) + 1024, 2**31)):
        return flat.astype(np.int32, copy=False)
    return pl.Series(flat).rank("dense").to_numpy().astype(np.int32)


def _seen_before(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places whose id stands at an earlier place, and the first place of each of these ids."""
    at = np.arange(min(STRETCH_IDS, len(ids)), dtype=np.int32)
    place = np.empty(int(ids.max(initial=0)) + 1, dtype=np.int32)
    begins = range(0, len(ids), STRETCH_IDS)
    for begin in reversed(begins):
        part = ids[begin : begin + STRETCH_IDS]
        place[part[::-1]] = (at[: len(part)] + begin)[::-1]  # of several the last assignment stays
    again, first = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int32)]
    for begin in begins:
        part = ids[begin : begin + STRETCH_IDS]
        found = place[part]
        late = np.flatnonzero(found != at[: len(part)] + begin)
        again.append(late + begin)
        first.append(found[late])
    return np.concatenate(again), np.concatenate(first)


def _is_begin(size: int, offset: np.ndarray) -> np.ndarray:
    """Whether a place is the first of its call."""
    begins = np.zeros(size, dtype=bool)
    begins[offset[:-1][np.diff(offset) > 0]] = True
    return begins


def _parents(first: np.ndarray, row: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """The latest earlier row that holds the last shared id of each row (-1: shares nothing).

    Args:
        first: first place of the id at each place that shares, in order of places. Shape (shared,).
        row: rows of these places. Shape (shared,).
        offset: first place of each row, and the count of all places. Shape (rows + 1,).
    """
    parent = np.full(len(offset) - 1, -1, dtype=np.int64)
    is_last = np.append(row[1:] != row[:-1], len(row) > 0)[: len(row)]
    is_end = np.zeros(int(offset[-1]), dtype=bool)  # of ids, by their first places
    is_end[first[is_last]] = True
    held = np.flatnonzero(is_end[first])
    keys = (first[held].astype(np.int64) << 32) | held
    keys.sort()  # by id, then by place
    by_id = keys & 0xFFFFFFFF
    same = np.append(False, (keys[1:] >> 32) == (keys[:-1] >> 32))[: len(keys)]
    asked = np.flatnonzero(is_last[by_id])
    earlier = row[by_id[asked - 1]]
    alone = asked[~same[asked]]  # no other call shared the id: only the first holds it
    earlier[~same[asked]] = np.searchsorted(offset, first[by_id[alone]], side="right") - 1
    parent[row[by_id[asked]]] = earlier
    return parent
