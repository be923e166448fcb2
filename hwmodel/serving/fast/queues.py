"""Who waits and who runs on a replica: linked lists in order, and a heap of the waiting where priority rules."""

from hwmodel.serving.engine import NONE
from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.fast.records import WAITING
from hwmodel.serving.fast.state import Machine
from hwmodel.serving.heap import pop, push

PRIORITY_BIT = 57


@inlined
def enqueue(m: Machine, replica: int, call: int, in_front: bool) -> None:
    """A call waits: at the end, or in front of all where it was interrupted."""
    m.calls[call].place = WAITING
    first, last = m.replicas[replica].first_waiting, m.replicas[replica].last_waiting
    m.calls[call].prev_waiting = NONE if in_front else last
    m.calls[call].next_waiting = first if in_front else NONE
    if first < 0:
        m.replicas[replica].first_waiting = m.replicas[replica].last_waiting = call
    elif in_front:
        m.calls[first].prev_waiting = call
        m.replicas[replica].first_waiting = call
    else:
        m.calls[last].next_waiting = call
        m.replicas[replica].last_waiting = call
    m.replicas[replica].waiting += 1
    if m.limits.by_priority:
        _into_heap(m, replica, call)


@inlined
def dequeue(m: Machine, replica: int, call: int) -> None:
    """A call waits no more; the heap forgets it when it surfaces."""
    before, following = m.calls[call].prev_waiting, m.calls[call].next_waiting
    if before >= 0:
        m.calls[before].next_waiting = following
    else:
        m.replicas[replica].first_waiting = following
    if following >= 0:
        m.calls[following].prev_waiting = before
    else:
        m.replicas[replica].last_waiting = before
    m.replicas[replica].waiting -= 1


@inlined
def next_waiting(m: Machine, replica: int) -> int:
    """The call to be admitted next, or -1."""
    if not m.limits.by_priority or m.replicas[replica].waiting == 0:
        return int(m.replicas[replica].first_waiting)
    keys, calls = m.queue[replica, 0], m.queue[replica, 1]
    while not _is_current(m, replica, keys[0], calls[0]):
        m.replicas[replica].queue_size = pop(keys, calls, m.replicas[replica].queue_size)
    return int(calls[0])


@inlined
def start_running(m: Machine, replica: int, call: int) -> None:
    """Append to the running calls."""
    last = m.replicas[replica].last_running
    m.calls[call].prev_running = last
    m.calls[call].next_running = NONE
    if last >= 0:
        m.calls[last].next_running = call
    else:
        m.replicas[replica].first_running = call
    m.replicas[replica].last_running = call
    m.replicas[replica].running += 1
    m.calls[call].order = m.replicas[replica].admitted
    m.replicas[replica].admitted += 1


@inlined
def stop_running(m: Machine, replica: int, call: int) -> None:
    """Take out of the running calls."""
    before, following = m.calls[call].prev_running, m.calls[call].next_running
    if before >= 0:
        m.calls[before].next_running = following
    else:
        m.replicas[replica].first_running = following
    if following >= 0:
        m.calls[following].prev_running = before
    else:
        m.replicas[replica].last_running = before
    m.replicas[replica].running -= 1


@compiled
def least_urgent(m: Machine, replica: int) -> int:
    """The running call of the highest priority number, the latest request of these; -1 where none runs."""
    found = NONE
    call = m.replicas[replica].first_running
    while call >= 0:
        if found < 0 or _key(m, call) > _key(m, found):
            found = call
        call = m.calls[call].next_running
    return int(found)


@inlined
def _key(m: Machine, call: int) -> int:
    return int((m.calls[call].priority << PRIORITY_BIT) + m.calls[call].requested_ns)


@inlined
def _is_current(m: Machine, replica: int, key: int, call: int) -> bool:
    is_waiting = m.calls[call].place == WAITING and m.calls[call].replica == replica
    return bool(is_waiting and _key(m, call) == key)


@compiled
def _into_heap(m: Machine, replica: int, call: int) -> None:
    """Waiting calls fit; where leavers fill the room, they are put out."""
    keys, calls = m.queue[replica, 0], m.queue[replica, 1]
    if m.replicas[replica].queue_size < keys.size:
        m.replicas[replica].queue_size = push(keys, calls, m.replicas[replica].queue_size, _key(m, call), call)
        return
    size = 0
    one = m.replicas[replica].first_waiting
    while one >= 0:
        size = push(keys, calls, size, _key(m, one), one)
        one = m.calls[one].next_waiting
    m.replicas[replica].queue_size = size
