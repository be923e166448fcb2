"""The prefix cache of a replica: what is kept after a call ends, and what leaves first when room is needed."""

import numpy as np
from numba import njit

from hwmodel.serving.state import ABSENT, BUSY, IDLE, Machine


@njit(nogil=True)
def cached_tokens(m: Machine, call: int, replica: int) -> int:
    """Prompt tokens of the call that need not be computed on this replica; at least one token always is."""
    if not m.limits.caching:
        return 0
    most = m.calls[call].input_tokens - 1
    if m.calls[call].is_warm:
        return min(m.calls[call].shared_tokens, most)
    source = m.calls[call].source_entry
    if source < 0 or m.entries[source].status == ABSENT or m.entries[source].replica != replica:
        return 0
    return min(m.calls[call].shared_tokens, m.entries[source].tokens, most)


@njit(nogil=True)
def reserve(m: Machine, call: int, replica: int) -> bool:
    """Find room for the whole call (prompt, answer and per-sequence state), evicting what is oldest.

    Returns False, with nothing changed, where running calls leave too little room.
    """
    entry = m.calls[call].entry
    source = m.calls[call].source_entry
    cached = cached_tokens(m, call, replica)
    is_fork = source >= 0 and source != entry
    need = m.calls[call].input_tokens + m.calls[call].output_tokens + m.limits.state_tokens
    need -= cached if is_fork else 0
    if m.replicas[replica].used_tokens + need > m.limits.capacity_tokens:
        return False
    if m.entries[entry].status == IDLE:
        _forget(m.replicas, m.entries, entry)
    while m.replicas[replica].used_tokens + m.replicas[replica].idle_tokens + need > m.limits.capacity_tokens:
        _forget(m.replicas, m.entries, m.replicas[replica].oldest)
    if m.entries[entry].status != BUSY:
        m.entries[entry].status = BUSY
        m.entries[entry].owner = call
        m.entries[entry].replica = replica
        m.entries[entry].tokens = cached
        m.entries[entry].held_tokens = need
    m.replicas[replica].used_tokens += need
    m.calls[call].reserved_tokens = need
    m.calls[call].cached_tokens = cached
    return True


@njit(nogil=True)
def release(m: Machine, call: int, replica: int) -> None:
    """Give a finished call's room back; its context stays as the youngest idle entry."""
    m.replicas[replica].used_tokens -= m.calls[call].reserved_tokens
    entry = m.calls[call].entry
    if m.entries[entry].owner != call:
        return
    m.entries[entry].owner = -1
    m.entries[entry].status = ABSENT
    if m.limits.caching:
        m.entries[entry].tokens = m.calls[call].input_tokens + m.calls[call].output_tokens
        _keep(m.replicas, m.entries, entry)


@njit(nogil=True)
def _forget(replicas: np.ndarray, entries: np.ndarray, entry: int) -> None:
    """Take an idle entry out of its replica's cache."""
    replica = entries[entry].replica
    older, newer = entries[entry].older, entries[entry].newer
    if older >= 0:
        entries[older].newer = newer
    else:
        replicas[replica].oldest = newer
    if newer >= 0:
        entries[newer].older = older
    else:
        replicas[replica].newest = older
    replicas[replica].idle_tokens -= entries[entry].held_tokens
    entries[entry].status = ABSENT


@njit(nogil=True)
def _keep(replicas: np.ndarray, entries: np.ndarray, entry: int) -> None:
    """Put an entry at the young end of its replica's cache."""
    replica = entries[entry].replica
    last = replicas[replica].newest
    entries[entry].older = last
    entries[entry].newer = -1
    if last >= 0:
        entries[last].newer = entry
    else:
        replicas[replica].oldest = entry
    replicas[replica].newest = entry
    replicas[replica].idle_tokens += entries[entry].held_tokens
    entries[entry].status = IDLE
