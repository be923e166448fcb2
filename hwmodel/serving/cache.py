"""The prefix cache of a replica: what is kept after a call ends, and what leaves first when room is needed."""

from numba import njit

from hwmodel.serving.state import ABSENT, BUSY, IDLE, Entries, Machine, Replicas


@njit(cache=True)
def cached_tokens(m: Machine, call: int, replica: int) -> int:
    """Prompt tokens of the call that need not be computed on this replica; at least one token always is."""
    if not m.limits.caching:
        return 0
    most = m.work.input_tokens[call] - 1
    if m.work.is_warm[call]:
        return min(m.work.shared_tokens[call], most)
    source = m.work.source_entry[call]
    if source < 0 or m.entries.status[source] == ABSENT or m.entries.replica[source] != replica:
        return 0
    return min(m.work.shared_tokens[call], m.entries.tokens[source], most)


@njit(cache=True)
def reserve(m: Machine, call: int, replica: int) -> bool:
    """Find room for the whole call (prompt, answer and per-sequence state), evicting what is oldest.

    Returns False, with nothing changed, where running calls leave too little room.
    """
    entry = m.work.entry[call]
    source = m.work.source_entry[call]
    cached = cached_tokens(m, call, replica)
    is_fork = source >= 0 and source != entry
    need = m.work.input_tokens[call] + m.work.output_tokens[call] + m.limits.state_tokens
    need -= cached if is_fork else 0
    if m.replicas.used[replica] + need > m.limits.capacity_tokens:
        return False
    if m.entries.status[entry] == IDLE:
        _forget(m.replicas, m.entries, entry)
    while m.replicas.used[replica] + m.replicas.idle[replica] + need > m.limits.capacity_tokens:
        _forget(m.replicas, m.entries, m.replicas.oldest[replica])
    if m.entries.status[entry] != BUSY:
        m.entries.status[entry] = BUSY
        m.entries.owner[entry] = call
        m.entries.replica[entry] = replica
        m.entries.tokens[entry] = cached
        m.entries.held[entry] = need
    m.replicas.used[replica] += need
    m.times.reserved[call] = need
    m.times.cached_tokens[call] = cached
    return True


@njit(cache=True)
def release(m: Machine, call: int, replica: int) -> None:
    """Give a finished call's room back; its context stays as the youngest idle entry."""
    m.replicas.used[replica] -= m.times.reserved[call]
    entry = m.work.entry[call]
    if m.entries.owner[entry] != call:
        return
    m.entries.owner[entry] = -1
    m.entries.status[entry] = ABSENT
    if m.limits.caching:
        m.entries.tokens[entry] = m.work.input_tokens[call] + m.work.output_tokens[call]
        _keep(m.replicas, m.entries, entry)


@njit(cache=True)
def _forget(replicas: Replicas, entries: Entries, entry: int) -> None:
    """Take an idle entry out of its replica's cache."""
    replica = entries.replica[entry]
    older, newer = entries.older[entry], entries.newer[entry]
    if older >= 0:
        entries.newer[older] = newer
    else:
        replicas.oldest[replica] = newer
    if newer >= 0:
        entries.older[newer] = older
    else:
        replicas.newest[replica] = older
    replicas.idle[replica] -= entries.held[entry]
    entries.status[entry] = ABSENT


@njit(cache=True)
def _keep(replicas: Replicas, entries: Entries, entry: int) -> None:
    """Put an entry at the young end of its replica's cache."""
    replica = entries.replica[entry]
    last = replicas.newest[replica]
    entries.older[entry] = last
    entries.newer[entry] = -1
    if last >= 0:
        entries.newer[last] = entry
    else:
        replicas.oldest[replica] = entry
    replicas.newest[replica] = entry
    replicas.idle[replica] += entries.held[entry]
    entries.status[entry] = IDLE
