"""Who waits and who runs on a replica: linked lists in order, and an array of the running."""

from hwmodel.serving.engine import NONE
from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.split.paged.state import Machine


@inlined
def enqueue(m: Machine, replica: int, part: int, in_front: bool) -> None:
    """A part waits: at the end, or in front of all where it was interrupted."""
    first, last = m.replicas[replica].first_waiting, m.replicas[replica].last_waiting
    m.parts[part].before = NONE if in_front else last
    m.parts[part].behind = first if in_front else NONE
    if first < 0:
        m.replicas[replica].first_waiting = m.replicas[replica].last_waiting = part
    elif in_front:
        m.parts[first].before = part
        m.replicas[replica].first_waiting = part
    else:
        m.parts[last].behind = part
        m.replicas[replica].last_waiting = part


@inlined
def dequeue(m: Machine, replica: int, part: int) -> None:
    """A part waits no more."""
    before, behind = m.parts[part].before, m.parts[part].behind
    if before >= 0:
        m.parts[before].behind = behind
    else:
        m.replicas[replica].first_waiting = behind
    if behind >= 0:
        m.parts[behind].before = before
    else:
        m.replicas[replica].last_waiting = before


@inlined
def arrive(m: Machine, replica: int, part: int) -> None:
    """The cache of a part has come; it waits for a place, behind those that came before."""
    last = m.replicas[replica].last_arrived
    m.parts[part].before, m.parts[part].behind = last, NONE
    if last >= 0:
        m.parts[last].behind = part
    else:
        m.replicas[replica].first_arrived = part
    m.replicas[replica].last_arrived = part


@inlined
def leave_arrived(m: Machine, replica: int, part: int) -> None:
    """A part whose cache has come got its place."""
    before, behind = m.parts[part].before, m.parts[part].behind
    if before >= 0:
        m.parts[before].behind = behind
    else:
        m.replicas[replica].first_arrived = behind
    if behind >= 0:
        m.parts[behind].before = before
    else:
        m.replicas[replica].last_arrived = before


@inlined
def next_of(m: Machine, first: int) -> int:
    """The part of a queue that goes next: the first, or the most urgent one."""
    if not m.limits.by_priority:
        return first
    best, part = first, first
    while part >= 0:
        if _goes_before(m, part, best):
            best = part
        part = int(m.parts[part].behind)
    return best


@inlined
def start_running(m: Machine, replica: int, part: int) -> None:
    """Append to the running parts."""
    m.running[replica, m.replicas[replica].running] = part
    m.replicas[replica].running += 1


@compiled
def stop_running(m: Machine, replica: int, part: int) -> None:
    """Take out of the running parts."""
    count, to = m.replicas[replica].running, 0
    for at in range(count):
        if m.running[replica, at] != part:
            m.running[replica, to] = m.running[replica, at]
            to += 1
    m.replicas[replica].running = to


@compiled
def victim_of(m: Machine, replica: int) -> int:
    """The running part that gives way: the newest, or the least urgent, the latest request of these."""
    last = m.replicas[replica].running - 1
    if not m.limits.by_priority:
        return int(m.running[replica, last])
    worst = m.running[replica, 0]
    for at in range(1, last + 1):
        part = m.running[replica, at]
        if m.parts[part].priority > m.parts[worst].priority or (
            m.parts[part].priority == m.parts[worst].priority
            and m.parts[part].requested_ns > m.parts[worst].requested_ns
        ):
            worst = part
    return int(worst)


@inlined
def _goes_before(m: Machine, one: int, other: int) -> bool:
    if m.parts[one].priority != m.parts[other].priority:
        return bool(m.parts[one].priority < m.parts[other].priority)
    if m.parts[one].requested_ns != m.parts[other].requested_ns:
        return bool(m.parts[one].requested_ns < m.parts[other].requested_ns)
    return one < other
