"""Everything the compiled replay reads and writes, as named tuples of arrays that numba takes as they are."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from hwmodel.serving.bins import SURFACE_COUNT, Bins
from hwmodel.serving.engine import NONE, EngineCalls, EngineSettings, Owners, Policy
from hwmodel.serving.fast.lineage import followers, lineage
from hwmodel.serving.fast.records import (
    CALL,
    CLOCK,
    IDLE_NS,
    MOST_PRIORITY,
    MOST_WATCHED,
    REPLICA,
    SEGMENT,
    SHARED_RUN,
    WHEEL_SLOTS,
)
from hwmodel.serving.step_log import StepLog, fresh_log

ROWS_AT_ONCE = 4096


class Limits(NamedTuple):
    """Settings as numbers; see EngineSettings."""

    blocks_count: int
    block_tokens: int
    max_sequences: int
    max_batched_tokens: int
    caching: bool
    by_priority: bool
    reserve_full_prompt: bool
    state_blocks: int
    yielding_priority: int
    router: int
    horizon_ns: int
    wants_longest: bool
    """Whether the cost asks for the longest context."""


class Machine(NamedTuple):
    """All of a replay in one value."""

    calls: np.ndarray
    replicas: np.ndarray
    step_end_ns: np.ndarray
    """By replica; `IDLE_NS` when idle."""
    phases: np.ndarray
    """(replicas, block tokens): decoding calls by base modulo block."""
    wheel: np.ndarray
    """(replicas, slots): first call that finishes at a step of this slot."""
    done: np.ndarray
    """(replicas, sequences): calls whose prompt ends with the step under way."""
    finishing: np.ndarray
    """Room to sort finishers in."""
    queue: np.ndarray
    """(replicas, 2, room): heap of waiting calls, by priority and request time."""
    tallest: np.ndarray
    """(replicas, 2, room): heap of decoding calls by base, highest first; stale entries stay until they surface."""
    runs: np.ndarray
    """Runs of blocks: 0 to calls - 1 are the last runs of the calls, shared by nobody; then the shared ones."""
    shared_runs: np.ndarray
    """(replicas, shared runs): what a replica knows of them."""
    segments: np.ndarray
    starts: np.ndarray
    """Calls with a start of their own, in order of time."""
    events: np.ndarray
    """(room, 2): heap of time and 4 x call + kind."""
    watched: np.ndarray
    """(2, room): when a call may leave, and which."""
    clock: np.ndarray
    """One `CLOCK` record."""
    chunk_of: np.ndarray
    """By surface: prompt tokens of the step being made."""
    decoding_of: np.ndarray
    """(replicas, surfaces)"""
    base_of: np.ndarray
    """(replicas, surfaces)"""
    kv_of: np.ndarray
    """By surface: context of the decoding calls of a step, where steps are counted."""
    limits: Limits
    cost: Any
    bins: Bins
    log: StepLog


def machine_of(
    calls: EngineCalls,
    owners: Owners,
    settings: EngineSettings,
    *,
    replicas_count: int,
    cost: Any,
    bins: Bins,
    surface: np.ndarray | None = None,
    wants_longest: bool = False,
    log: StepLog | None = None,
) -> Machine:
    """Everything at its beginning: nobody has arrived, replicas are idle, all blocks empty and free."""
    size, count = len(calls), replicas_count
    runs, first_run = lineage(owners.owner, owners.shared_blocks, owners.systems_count)
    shared_runs = np.zeros((count, runs.size - size), dtype=SHARED_RUN)
    shared_runs["segment"] = NONE
    segments, clock = _segments(settings.blocks_count, count, size + shared_runs.size)
    starts = np.flatnonzero(calls.after < 0)
    by_queue = size + 1 if settings.policy is Policy.PRIORITY else 0
    by_height = 8 * settings.max_sequences_count + 64 if wants_longest else 0
    return Machine(
        calls=_records(calls, owners, first_run, surface),
        replicas=_replicas(count, settings.blocks_count),
        step_end_ns=np.full(count, IDLE_NS, dtype=np.int64),
        phases=np.zeros((count, settings.block_tokens), dtype=np.int64),
        wheel=np.full((count, WHEEL_SLOTS), NONE, dtype=np.int64),
        done=np.zeros((count, settings.max_sequences_count + 1), dtype=np.int64),
        finishing=np.zeros(settings.max_sequences_count + 1, dtype=np.int64),
        queue=np.zeros((count, 2, by_queue), dtype=np.int64),
        tallest=np.zeros((count, 2, by_height), dtype=np.int64),
        runs=runs,
        shared_runs=shared_runs,
        segments=segments,
        starts=starts[np.argsort(calls.start_ns[starts], kind="stable")],
        events=np.zeros((4 * size + 4, 2), dtype=np.int64),
        watched=np.zeros((2, MOST_WATCHED), dtype=np.int64),
        clock=clock,
        chunk_of=np.zeros(SURFACE_COUNT, dtype=np.int64),
        decoding_of=np.zeros((count, SURFACE_COUNT), dtype=np.int64),
        base_of=np.zeros((count, SURFACE_COUNT), dtype=np.int64),
        kv_of=np.zeros(SURFACE_COUNT, dtype=np.int64),
        limits=_limits(settings, wants_longest=wants_longest),
        cost=cost,
        bins=bins,
        log=fresh_log() if log is None else log,
    )


def _limits(settings: EngineSettings, *, wants_longest: bool) -> Limits:
    return Limits(
        blocks_count=settings.blocks_count,
        block_tokens=settings.block_tokens,
        max_sequences=settings.max_sequences_count,
        max_batched_tokens=settings.max_batched_tokens,
        caching=settings.prefix_caching,
        by_priority=settings.policy is Policy.PRIORITY,
        reserve_full_prompt=settings.reserve_full_prompt,
        state_blocks=settings.state_blocks_count,
        yielding_priority=settings.yielding_priority,
        router=int(settings.router),
        horizon_ns=settings.horizon_ns,
        wants_longest=wants_longest,
    )


def _records(calls: EngineCalls, owners: Owners, first_run: np.ndarray, surface: np.ndarray | None) -> np.ndarray:
    asked = ("start_ns", "gap_ns", "input_tokens", "output_tokens", "patience_ns", "stop_ns")
    columns = {name: getattr(calls, name) for name in (*asked, "retries_count", "backoff_ns", "parent")}
    columns |= {"owner": owners.owner, "shared_blocks": owners.shared_blocks, "first_run": first_run}
    columns["priority"] = np.minimum(calls.priority, MOST_PRIORITY)
    columns["loaded_tokens"] = np.minimum(calls.loaded_tokens, calls.input_tokens - 1)
    columns["first_follower"], columns["next_follower"] = followers(calls.after)
    columns["surface"] = np.zeros(len(calls), dtype=np.int64) if surface is None else surface
    absent = ("requested_ns", "scheduled_ns", "first_ns", "last_ns", "cached_tokens", "replica")
    records = np.zeros(len(calls), dtype=CALL)
    for rows in row_blocks(len(calls)):
        for name, column in columns.items():
            records[name][rows] = column[rows]
        for name in (*absent, "leaf_segment", "stalled_step", "watched_at"):
            records[name][rows] = NONE
    return records


def row_blocks(count: int) -> Iterator[slice]:
    """Rows a few thousand at a time: columns of wide records are copied while those are in the cache."""
    for first in range(0, count, ROWS_AT_ONCE):
        yield slice(first, first + ROWS_AT_ONCE)


def _replicas(count: int, blocks_count: int) -> np.ndarray:
    replicas = np.zeros(count, dtype=REPLICA)
    for name in ("first_running", "last_running", "first_waiting", "last_waiting", "partial"):
        replicas[name] = NONE
    replicas["free_blocks"] = blocks_count
    replicas["oldest"] = replicas["newest"] = np.arange(count)
    return replicas


def _segments(blocks_count: int, replicas_count: int, runs_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Room for as many segments as there can be, and one of all the blocks per replica."""
    most = 2 * min(replicas_count * blocks_count, runs_count) + 2 * replicas_count + 2
    segments = np.zeros(most, dtype=SEGMENT)
    segments["run"] = segments["older"] = NONE
    segments["newer"] = np.arange(1, most + 1)
    segments["newer"][-1] = NONE
    segments["count"][:replicas_count] = blocks_count
    segments["newer"][:replicas_count] = NONE
    clock = np.zeros(1, dtype=CLOCK)
    clock["free_segment"] = replicas_count
    clock["watched_ns"] = IDLE_NS
    return segments, clock
