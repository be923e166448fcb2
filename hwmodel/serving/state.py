"""Everything the replay loop reads and writes, as named tuples of arrays that numba takes as they are."""

from typing import NamedTuple

import numpy as np
from numba import njit

from hwmodel.serving.bins import SURFACE_COUNT, Bins
from hwmodel.serving.demand import NONE, ReplayDemand
from hwmodel.serving.step_cost import StepCost

TIERS = 3
ABSENT, IDLE, BUSY = 0, 1, 2


class Work(NamedTuple):
    """What is asked, one entry per call; read only. See `ReplayDemand`."""

    start_ns: np.ndarray
    after: np.ndarray
    gap_ns: np.ndarray
    input_tokens: np.ndarray
    output_tokens: np.ndarray
    parent: np.ndarray
    shared_tokens: np.ndarray
    is_warm: np.ndarray
    surface: np.ndarray
    tier: np.ndarray
    first_follower: np.ndarray
    """First call that starts after this one; the others by `next_follower`."""
    next_follower: np.ndarray
    entry: np.ndarray
    """Cache entry that the call's context is kept in: a conversation's calls share one, a fork gets its own."""
    source_entry: np.ndarray
    """Entry that the shared prefix lies in, or -1."""


class Times(NamedTuple):
    """What happened, one entry per call; written by the loop. Times are -1 where it did not happen."""

    requested_ns: np.ndarray
    scheduled_ns: np.ndarray
    first_ns: np.ndarray
    last_ns: np.ndarray
    cached_tokens: np.ndarray
    replica: np.ndarray
    remaining: np.ndarray
    """Prompt tokens still to compute."""
    reserved: np.ndarray
    """Cache tokens held while running."""
    next_waiting: np.ndarray


class Entries(NamedTuple):
    """Prefix cache, one entry per branch of a conversation."""

    status: np.ndarray
    replica: np.ndarray
    tokens: np.ndarray
    """Length of the prefix that can be reused."""
    held: np.ndarray
    """Cache tokens that the entry itself occupies (a fork does not pay for its shared part)."""
    owner: np.ndarray
    """Running call that extends it."""
    older: np.ndarray
    newer: np.ndarray


class Replicas(NamedTuple):
    """State of the replicas."""

    step_end_ns: np.ndarray
    """End of the running step; a huge number when idle."""
    step_index: np.ndarray
    used: np.ndarray
    """Cache tokens held by running calls."""
    idle: np.ndarray
    """Cache tokens kept for calls to come."""
    oldest: np.ndarray
    newest: np.ndarray
    load: np.ndarray
    """Tokens of calls waiting or running, for the router."""
    running: np.ndarray
    """Calls admitted and not ended."""
    partial: np.ndarray
    """Call whose prompt is part-way computed, or -1."""
    decoding: np.ndarray
    kv_tokens: np.ndarray
    """Context summed over the decoding calls."""
    decoding_of: np.ndarray
    """(replicas, surfaces)"""
    kv_of: np.ndarray
    """(replicas, surfaces)"""
    waiting_first: np.ndarray
    """(replicas, tiers)"""
    waiting_last: np.ndarray
    """(replicas, tiers)"""
    finish_key: np.ndarray
    """(replicas, sequences) heap of the step at which a decoding call ends."""
    finish_call: np.ndarray
    finish_size: np.ndarray
    done: np.ndarray
    """(replicas, sequences) calls whose prompt ends with the running step."""
    done_size: np.ndarray


class Limits(NamedTuple):
    """What bounds a replica, and the replay."""

    capacity_tokens: int
    state_tokens: int
    """Cache tokens that one sequence's fixed state (windows, recurrent state) takes."""
    max_sequences: int
    max_batched_tokens: int
    horizon_ns: int
    """Nothing starts after this time."""
    caching: bool


class Arrivals(NamedTuple):
    """Heap of calls that are going to be requested."""

    time_ns: np.ndarray
    call: np.ndarray
    size: np.ndarray
    """One number."""


class Machine(NamedTuple):
    """All of a replay in one value."""

    work: Work
    times: Times
    entries: Entries
    replicas: Replicas
    arrivals: Arrivals
    limits: Limits
    cost: StepCost
    bins: Bins


def work_of(demand: ReplayDemand) -> Work:
    """Read-only arrays of a demand, with followers and cache entries worked out."""
    first_follower, next_follower = _followers(demand.after)
    entry, source_entry = _entries(demand.parent, demand.shared_tokens, demand.input_tokens + demand.output_tokens)
    return Work(
        demand.start_ns,
        demand.after,
        demand.gap_ns,
        demand.input_tokens,
        demand.output_tokens,
        demand.parent,
        np.minimum(demand.shared_tokens, demand.input_tokens),
        demand.is_warm,
        demand.surface,
        demand.tier,
        first_follower,
        next_follower,
        entry,
        source_entry,
    )


def fresh_times(count: int) -> Times:
    """Nothing has happened to any of `count` calls."""
    return Times(*[np.full(count, NONE, dtype=np.int64) for _ in Times._fields])


def fresh_entries(count: int) -> Entries:
    """An empty cache with room for `count` entries."""
    status = np.zeros(count, dtype=np.int64)
    return Entries(status, *[np.full(count, NONE, dtype=np.int64) for _ in Entries._fields[1:]])


def fresh_arrivals(count: int) -> Arrivals:
    """Nobody is coming yet; room for `count` calls."""
    return Arrivals(*[np.zeros(size, dtype=np.int64) for size in (count + 1, count + 1, 1)])


def fresh_replicas(count: int, sequences: int) -> Replicas:
    """Idle replicas that run at most `sequences` calls each."""

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, dtype=np.int64)

    def none(*shape: int) -> np.ndarray:
        return np.full(shape, NONE, dtype=np.int64)

    return Replicas(
        np.full(count, np.iinfo(np.int64).max, dtype=np.int64),
        zeros(count),
        zeros(count),
        zeros(count),
        none(count),
        none(count),
        zeros(count),
        zeros(count),
        none(count),
        zeros(count),
        zeros(count),
        zeros(count, SURFACE_COUNT),
        zeros(count, SURFACE_COUNT),
        none(count, TIERS),
        none(count, TIERS),
        zeros(count, sequences + 1),
        zeros(count, sequences + 1),
        zeros(count),
        zeros(count, sequences + 1),
        zeros(count),
    )


@njit(cache=True)
def _followers(after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first = np.full(after.size, NONE, dtype=np.int64)
    following = np.full(after.size, NONE, dtype=np.int64)
    for call in range(after.size - 1, -1, -1):
        before = after[call]
        if before >= 0:
            following[call] = first[before]
            first[before] = call
    return first, following


@njit(cache=True)
def _entries(parent: np.ndarray, shared: np.ndarray, context: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A call goes on in its parent's entry if it keeps at least half of it and nobody did so before; else it forks."""
    entry = np.full(parent.size, NONE, dtype=np.int64)
    source = np.full(parent.size, NONE, dtype=np.int64)
    continued = np.zeros(parent.size, dtype=np.bool_)
    count = 0
    for call in range(parent.size):
        before = parent[call]
        if before >= 0:
            source[call] = entry[before]
            if not continued[before] and 2 * shared[call] >= context[before]:
                continued[before] = True
                entry[call] = entry[before]
                continue
        entry[call] = count
        count += 1
    return entry, source
