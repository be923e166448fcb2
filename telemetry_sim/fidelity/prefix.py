"""Prefix reuse: shared tokens over all tokens, and hits of a cache of prefix blocks over its size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numba import njit

from telemetry_sim.laws import Floats, Ints

BLOCK_TOKENS = 512
CACHE_BLOCKS = (1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 50_000)
"""Sizes of the cache at which the curve is read, blocks."""
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixCurve:
    """Hit share of a cache of prefix blocks that forgets the least recently used one."""

    cache_blocks: tuple[int, ...]
    hit_ratios: tuple[float, ...]
    infinite_hit_ratio: float
    """With a cache that forgets nothing."""
    block_count: int


def prefix_reuse_ratio(calls: pl.DataFrame) -> float:
    """Tokens shared with an earlier call over all input tokens; nan where the trace does not tell lineage."""
    if calls["shared_prefix_tokens"].null_count() == calls.height:
        return float("nan")
    return int(calls["shared_prefix_tokens"].sum()) / max(int(calls["input_tokens"].sum()), 1)


def prefix_curve(calls: pl.DataFrame, *, sizes: Sequence[int] = CACHE_BLOCKS) -> PrefixCurve:
    """The prefix-hit curve of a trace, from its lineage.

    Ids of blocks are rebuilt: the first shared // 512 blocks of a call are its parent's, the others are new. All sizes
    are read from one pass over reuse distances (Mattson et al., IBM Systems Journal 1970, doi:10.1147/sj.92.0078).

    Args:
        calls: A ModelCalls frame with lineage.
        sizes: Cache sizes, blocks.
    """
    ordered = calls.filter(pl.col("input_tokens").is_not_null()).sort("requested_at", maintain_order=True)
    parent = _rows_of(ordered["call_id"], ordered["parent_call_id"])
    length = ordered["input_tokens"].to_numpy()
    shared = np.minimum(ordered["shared_prefix_tokens"].fill_null(0).to_numpy(), length)
    blocks = -(-length // BLOCK_TOKENS)
    kept = np.where(shared == length, blocks, shared // BLOCK_TOKENS)
    kept = np.where((parent >= 0) & (parent < np.arange(len(parent))), kept, 0)
    distance = _reuse_distances(*_block_ids(parent, blocks, np.minimum(kept, blocks[np.maximum(parent, 0)])))
    count = max(len(distance), 1)
    return PrefixCurve(
        cache_blocks=tuple(sizes),
        hit_ratios=tuple(float((distance < size).sum()) / count for size in sizes),
        infinite_hit_ratio=float((distance < NEVER).sum()) / count,
        block_count=len(distance),
    )


def _rows_of(ids: pl.Series, wanted: pl.Series) -> Ints:
    """Row of each wanted id, -1 where there is none."""
    rows = pl.DataFrame({"id": ids, "row": np.arange(len(ids))})
    found = pl.DataFrame({"id": wanted}).join(rows, on="id", how="left", maintain_order="left")
    return found["row"].fill_null(-1).to_numpy()


@njit(cache=True)
def _block_ids(parent: Ints, blocks: Ints, kept: Ints) -> tuple[Ints, int]:
    """Ids of all blocks in order of access, and how many different ones there are."""
    begin = np.zeros(len(blocks) + 1, dtype=np.int64)
    begin[1:] = np.cumsum(blocks)
    ids = np.empty(begin[-1], dtype=np.int64)
    fresh = 0
    for call in range(len(blocks)):
        base = begin[parent[call]] if parent[call] >= 0 else 0
        for at in range(blocks[call]):
            if at < kept[call]:
                ids[begin[call] + at] = ids[base + at]
            else:
                ids[begin[call] + at] = fresh
                fresh += 1
    return ids, fresh


@njit(cache=True)
def _reuse_distances(ids: Ints, distinct: int) -> Ints:
    """Different blocks touched since each block was last touched; `NEVER` for a first touch."""
    count = len(ids)
    tree = np.zeros(count + 1, dtype=np.int64)
    last = np.full(distinct, -1, dtype=np.int64)
    found = np.empty(count, dtype=np.int64)
    alive = 0
    for now in range(count):
        before = last[ids[now]]
        if before < 0:
            found[now] = NEVER
            alive += 1
        else:
            older, at = 0, before + 1
            while at > 0:
                older += tree[at]
                at -= at & -at
            found[now] = alive - older
            at = before + 1
            while at <= count:
                tree[at] -= 1
                at += at & -at
        last[ids[now]] = now
        at = now + 1
        while at <= count:
            tree[at] += 1
            at += at & -at
    return found


def curve_gap(one: PrefixCurve, other: PrefixCurve) -> Floats:
    """Absolute difference of two curves of the same sizes, the infinite cache last, as shares."""
    left = np.array([*one.hit_ratios, one.infinite_hit_ratio])
    return np.abs(left - np.array([*other.hit_ratios, other.infinite_hit_ratio]))
