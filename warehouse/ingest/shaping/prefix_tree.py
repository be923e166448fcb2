"""The longest prefix that a call's blocks share with any earlier call of its group, on run-length encoded block ids."""

from dataclasses import dataclass

import numpy as np
import polars as pl

__all__ = ["BlockRuns", "SharedPrefix", "longest_shared_prefix", "runs_of_ids"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRuns:
    """Block ids of many calls as runs of consecutive ids: (start, length) pairs, flat, split by offsets.

    Run k of call i is `start[offset[i] + k]`, `length[offset[i] + k]`; `offset` has one entry more than calls.
    """

    start: np.ndarray
    length: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPrefix:
    """For each call: row of the latest earlier call that holds its longest common prefix (-1: none), and its blocks."""

    parent_row: np.ndarray
    block_count: np.ndarray


@dataclass(slots=True)
class _Run:
    """A stretch of consecutive ids in the prefix tree; `last_call` is kept only while off the current path."""

    start: int
    length: int
    last_call: int = -1
    children: dict[int, "_Run"] | None = None
    """By their first id; None where the tree ends."""

    def cut(self, length: int) -> "_Run":
        """Splits this run after `length` blocks; self keeps the upper part, the lower part is returned."""
        lower = _Run(self.start + length, self.length - length, self.last_call, self.children)
        self.length = length
        self.children = {lower.start: lower}
        return lower


def runs_of_ids(ids: pl.Series) -> BlockRuns:
    """Run-length encodes a column of lists of block ids.

    Args:
        ids: List(Int64), without null lists; null ids are not allowed.
    """
    count = ids.list.len().to_numpy().astype(np.int64)
    id_offset = np.concatenate(([0], np.cumsum(count)))
    flat = ids.explode(empty_as_null=False, keep_nulls=False).to_numpy()
    begins = np.ones(len(flat), dtype=bool)
    begins[1:] = flat[1:] != flat[:-1] + 1
    begins[id_offset[:-1][count > 0]] = True
    first = np.flatnonzero(begins)
    return BlockRuns(
        start=flat[first],
        length=np.diff(np.concatenate((first, [len(flat)]))),
        offset=np.searchsorted(first, id_offset),
    )


def longest_shared_prefix(group: np.ndarray, runs: BlockRuns) -> SharedPrefix:
    """The longest common prefix of each call with all earlier calls of its group, and the latest call that holds it.

    A prefix tree per group, whose current path is the call before: a call that extends its predecessor costs only its
    new runs, so the whole pass is linear in the number of runs.

    Args:
        group: group number of each call; calls of a group lie together, in order of time. Shape (calls,).
        runs: the calls' block ids.
    """
    calls = len(group)
    parent_row = np.full(calls, -1, dtype=np.int64)
    block_count = np.zeros(calls, dtype=np.int64)
    start, length, offset = runs.start.tolist(), runs.length.tolist(), runs.offset.tolist()
    groups = group.tolist()
    path = [_Run(0, 0)]
    for call in range(calls):
        if call == 0 or groups[call] != groups[call - 1]:
            path = [_Run(0, 0)]
        mine = list(zip(start[offset[call] : offset[call + 1]], length[offset[call] : offset[call + 1]], strict=True))
        depth = _keep_common(path, mine, call - 1)
        if depth:
            parent_row[call] = call - 1
        beyond, holder = _descend(path, mine, depth)
        if beyond:
            parent_row[call] = holder
        block_count[call] = depth + beyond
    return SharedPrefix(parent_row=parent_row, block_count=block_count)


def _keep_common(path: list[_Run], mine: list[tuple[int, int]], previous: int) -> int:
    """Cuts the path (the call before) back to what `mine` shares with it, and returns the shared blocks.

    What leaves the path was last held by the call before.
    """
    depth = 0
    run_at, used = 0, 0
    kept = 1
    for node in path[1:]:
        matched = 0
        while matched < node.length and run_at < len(mine) and mine[run_at][0] + used == node.start + matched:
            step = min(node.length - matched, mine[run_at][1] - used)
            matched += step
            used += step
            if used == mine[run_at][1]:
                run_at, used = run_at + 1, 0
        depth += matched
        if matched < node.length:
            if matched:
                node.cut(matched).last_call = previous
                kept += 1
            break
        kept += 1
    for node in path[kept:]:
        node.last_call = previous
    del path[kept:]
    return depth


def _descend(path: list[_Run], mine: list[tuple[int, int]], depth: int) -> tuple[int, int]:
    """Walks the rest of `mine` down the tree, adding what is new, and extends the path.

    Returns:
        Blocks matched below the path's old end, and the latest call that holds them (-1: none).
    """
    beyond, holder = 0, -1
    skip = depth
    for run_start, run_length in mine:
        if skip >= run_length:
            skip -= run_length
            continue
        at, left, skip = run_start + skip, run_length - skip, 0
        while left:
            tip = path[-1]
            if tip.children is None and len(path) > 1 and tip.start + tip.length == at:
                tip.length += left
                break
            branches = tip.children = tip.children or {}
            child = branches.get(at)
            if child is None:
                child = branches[at] = _Run(at, left)
            else:
                if child.length > left:
                    child.cut(left)
                beyond += child.length
                holder = child.last_call
            path.append(child)
            at += child.length
            left -= child.length
    return beyond, holder
