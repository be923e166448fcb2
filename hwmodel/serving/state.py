"""Everything the replay loop reads and writes, as named tuples of arrays that numba takes as they are."""

from typing import NamedTuple

import numpy as np
from numba import njit

from hwmodel.serving.bins import SURFACE_COUNT, Bins
from hwmodel.serving.demand import NONE, ReplayDemand
from hwmodel.serving.step_cost import StepCost

TIERS = 3
ABSENT, IDLE, BUSY = 0, 1, 2


CALL = np.dtype(
    [
        # what is asked; see ReplayDemand
        ("start_ns", np.int64),
        ("after", np.int64),
        ("gap_ns", np.int64),
        ("input_tokens", np.int64),
        ("output_tokens", np.int64),
        ("shared_tokens", np.int64),
        ("is_warm", np.int64),
        ("surface", np.int64),
        ("tier", np.int64),
        ("first_follower", np.int64),  # first call that starts after this one ...
        ("next_follower", np.int64),  # ... and the next one that starts after the same call
        ("entry", np.int64),  # cache entry its context is kept in: a conversation shares one, a fork gets its own
        ("source_entry", np.int64),  # cache entry that the shared prefix lies in
        # what happened; -1 where it did not
        ("requested_ns", np.int64),
        ("scheduled_ns", np.int64),
        ("first_ns", np.int64),
        ("last_ns", np.int64),
        ("replica", np.int64),
        ("cached_tokens", np.int64),
        ("remaining_tokens", np.int64),  # of the prompt, still to compute
        ("reserved_tokens", np.int64),  # of the cache, held while running
        ("next_waiting", np.int64),
    ]
)
"""One call, as asked and as served."""

ENTRY = np.dtype(
    [
        ("status", np.int64),
        ("replica", np.int64),
        ("tokens", np.int64),  # length of the prefix that can be reused
        ("held_tokens", np.int64),  # what the entry itself occupies: a fork does not pay for its shared part
        ("owner", np.int64),  # running call that extends it
        ("older", np.int64),
        ("newer", np.int64),
    ]
)
"""Prefix cache: one branch of a conversation."""

REPLICA = np.dtype(
    [
        ("step_index", np.int64),
        ("busy_ns", np.int64),
        ("used_tokens", np.int64),  # of the cache, held by running calls
        ("idle_tokens", np.int64),  # of the cache, kept for calls to come
        ("oldest", np.int64),
        ("newest", np.int64),
        ("running", np.int64),  # calls admitted and not ended
        ("partial", np.int64),  # call whose prompt is part-way computed
        ("decoding", np.int64),
        ("kv_tokens", np.int64),  # context summed over the decoding calls
        ("finish_size", np.int64),
        ("done_size", np.int64),
    ]
)
"""One replica."""


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


class Machine(NamedTuple):
    """All of a replay in one value."""

    calls: np.ndarray
    """`CALL` records."""
    entries: np.ndarray
    """`ENTRY` records."""
    replicas: np.ndarray
    """`REPLICA` records."""
    step_end_ns: np.ndarray
    """By replica; a huge number when idle."""
    load_tokens: np.ndarray
    """By replica: tokens of calls waiting or running, for the router."""
    decoding_of: np.ndarray
    """(replicas, surfaces)"""
    kv_of: np.ndarray
    """(replicas, surfaces)"""
    waiting: np.ndarray
    """(replicas, tiers, 2): first and last waiting call."""
    finishing: np.ndarray
    """(replicas, 2, sequences): heap of the step at which a decoding call ends, and the call."""
    done: np.ndarray
    """(replicas, sequences): calls whose prompt ends with the running step."""
    arriving: np.ndarray
    """(2, calls): heap of times and calls that are going to be requested."""
    arriving_size: np.ndarray
    """One number."""
    limits: Limits
    cost: StepCost
    bins: Bins


def machine_of(demand: ReplayDemand, replicas_count: int, limits: Limits, cost: StepCost, bins: Bins) -> Machine:
    """Everything at its beginning: nobody has arrived, replicas are idle, caches empty."""
    count, sequences = len(demand), limits.max_sequences + 1
    entries = np.zeros(count, dtype=ENTRY)
    entries["owner"] = NONE
    replicas = np.zeros(replicas_count, dtype=REPLICA)
    for name in ("oldest", "newest", "partial"):
        replicas[name] = NONE
    return Machine(
        _calls(demand),
        entries,
        replicas,
        np.full(replicas_count, np.iinfo(np.int64).max, dtype=np.int64),
        np.zeros(replicas_count, dtype=np.int64),
        np.zeros((replicas_count, SURFACE_COUNT), dtype=np.int64),
        np.zeros((replicas_count, SURFACE_COUNT), dtype=np.int64),
        np.full((replicas_count, TIERS, 2), NONE, dtype=np.int64),
        np.zeros((replicas_count, 2, sequences), dtype=np.int64),
        np.zeros((replicas_count, sequences), dtype=np.int64),
        np.zeros((2, count + 1), dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        limits,
        cost,
        bins,
    )


def _calls(demand: ReplayDemand) -> np.ndarray:
    calls = np.empty(len(demand), dtype=CALL)
    for name in CALL.names or ():
        calls[name] = NONE
    for name in ("start_ns", "after", "gap_ns", "input_tokens", "output_tokens", "is_warm", "surface", "tier"):
        calls[name] = getattr(demand, name)
    calls["shared_tokens"] = np.minimum(demand.shared_tokens, demand.input_tokens)
    calls["first_follower"], calls["next_follower"] = _followers(demand.after)
    context = demand.input_tokens + demand.output_tokens
    calls["entry"], calls["source_entry"] = _entries(demand.parent, demand.shared_tokens, context)
    return calls


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
