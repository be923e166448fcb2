"""What will happen when: calls with a start of their own, a heap of events, and the calls that may yet leave.

Hardly a call leaves: nearly all have their first token, or are over, long before their patience or their time is. These
moments wait in a short list of calls, beside which only the earliest of them is told, and come into the heap when due.
That earliest moment may be of a call that has left the list meanwhile: then nothing happens at it.
"""

from hwmodel.serving.engine import NEVER, NONE
from hwmodel.serving.fast.jit import inlined
from hwmodel.serving.fast.records import IDLE_NS
from hwmodel.serving.fast.state import Machine
from hwmodel.serving.heap import pop, push

REQUEST, GIVE_UP, STOP = 0, 1, 2
KINDS = 4


@inlined
def next_event_ns(m: Machine) -> int:
    """When something happens next, or may happen; `IDLE_NS` for never."""
    time = m.clock[0].watched_ns
    if m.clock[0].next_start < m.starts.size:
        time = min(time, m.calls[m.starts[m.clock[0].next_start]].start_ns)
    if m.clock[0].events_size > 0:
        time = min(time, m.events[0, 0])
    return int(time)


@inlined
def next_event(m: Machine) -> tuple[int, int]:
    """Time and code of what happens next, taken out of the list that it comes from; the watched calls are up to date.

    Events of one moment come in order of call, then of kind.
    """
    if m.clock[0].next_start < m.starts.size:
        call = m.starts[m.clock[0].next_start]
        start = m.calls[call].start_ns
        first, code = m.events[0, 0], m.events[0, 1]
        if m.clock[0].events_size == 0 or start < first or (start == first and KINDS * call <= code):
            m.clock[0].next_start += 1
            return int(start), int(KINDS * call)
    time, code = m.events[0, 0], m.events[0, 1]
    m.clock[0].events_size = pop(m.events[:, 0], m.events[:, 1], m.clock[0].events_size)
    return int(time), int(code)


@inlined
def later(m: Machine, time: int, call: int, kind: int) -> None:
    """An event of a call, at a time."""
    m.clock[0].events_size = push(m.events[:, 0], m.events[:, 1], m.clock[0].events_size, time, KINDS * call + kind)


@inlined
def watch(m: Machine, call: int) -> None:
    """A requested call may leave; where too many are watched, its moment waits in the heap."""
    time, kind = _leaves(m, call)
    at = m.clock[0].watched_size
    if time == IDLE_NS:
        return
    if at == m.watched.shape[1]:
        later(m, time, call, kind)
        return
    m.watched[0, at] = time
    m.watched[1, at] = call
    m.calls[call].watched_at = at
    m.clock[0].watched_size = at + 1
    m.clock[0].watched_ns = min(m.clock[0].watched_ns, time)


@inlined
def unwatch(m: Machine, call: int) -> None:
    """A call that is over can leave no more."""
    at = m.calls[call].watched_at
    if at < 0:
        return
    last = m.clock[0].watched_size - 1
    m.watched[0, at] = m.watched[0, last]
    m.watched[1, at] = m.watched[1, last]
    m.calls[m.watched[1, at]].watched_at = at
    m.calls[call].watched_at = NONE
    m.clock[0].watched_size = last


@inlined
def let_due_in(m: Machine, now: int) -> None:
    """Put the moments of watched calls that are due into the heap, and tell the earliest of the rest."""
    earliest, at = IDLE_NS, 0
    while at < m.clock[0].watched_size:
        call = m.watched[1, at]
        if m.watched[0, at] <= now:
            time, kind = _leaves(m, call)
            m.watched[0, at] = time
            if time <= now:
                later(m, time, call, kind)
            if time <= now or time == IDLE_NS:
                unwatch(m, call)
                continue
        earliest = min(earliest, m.watched[0, at])
        at += 1
    m.clock[0].watched_ns = earliest


@inlined
def _leaves(m: Machine, call: int) -> tuple[int, int]:
    """When a call leaves if nothing more happens to it, and how; `IDLE_NS` for never."""
    stops_at, patience = m.calls[call].stops_at_ns, m.calls[call].patience_ns
    if m.calls[call].first_ns < 0 and patience < NEVER:
        gives_up_at = m.calls[call].requested_ns + patience
        if gives_up_at <= stops_at:
            return int(gives_up_at), GIVE_UP
    return int(stops_at), STOP
