"""What happens between steps: calls are requested, routed, given up and stopped, and others follow them."""

from hwmodel.serving.engine import AFFINITY_SLACK_PERCENT, NEVER, Outcome, Router
from hwmodel.serving.fast import prefix, queues
from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.fast.moves import blocks_of, vacate
from hwmodel.serving.fast.records import AWAY, IDLE_NS, WAITING
from hwmodel.serving.fast.state import Machine
from hwmodel.serving.heap import pop, push

REQUEST, GIVE_UP, STOP = 0, 1, 2
KINDS = 4


@inlined
def next_event_ns(m: Machine) -> int:
    """When something happens next; `IDLE_NS` for never."""
    time = IDLE_NS
    if m.clock[0].next_start < m.starts.size:
        time = m.calls[m.starts[m.clock[0].next_start]].start_ns
    if m.clock[0].events_size > 0 and m.events[0, 0] < time:
        time = m.events[0, 0]
    return time


@compiled
def happen(m: Machine, now: int) -> None:
    """Let the next event happen; events of one moment come in order of call, then of kind."""
    from_starts = m.clock[0].next_start < m.starts.size
    if from_starts and m.clock[0].events_size > 0:
        call = m.starts[m.clock[0].next_start]
        start = m.calls[call].start_ns
        first = m.events[0, 0]
        from_starts = start < first or (start == first and KINDS * call <= m.events[0, 1])
    if from_starts:
        call = m.starts[m.clock[0].next_start]
        m.clock[0].next_start += 1
        _requested(m, call, m.calls[call].start_ns, now)
        return
    time, code = m.events[0, 0], m.events[0, 1]
    m.clock[0].events_size = pop(m.events[:, 0], m.events[:, 1], m.clock[0].events_size)
    call, kind = code // KINDS, code % KINDS
    if m.calls[call].outcome > Outcome.OPEN:
        return
    if kind == REQUEST:
        _requested(m, call, time, now)
    elif kind == STOP:
        _leaves(m, call, comes_back=False)
        ends(m, call, Outcome.STOPPED, now)
    elif m.calls[call].first_ns < 0:
        _gives_up(m, call, now)
    elif m.calls[call].stops_at_ns < IDLE_NS:
        _later(m, m.calls[call].stops_at_ns, call, STOP)


@compiled
def ends(m: Machine, call: int, outcome: int, now: int) -> None:
    """A call is over; those that follow it get their time, unless the user gave up."""
    m.calls[call].outcome = outcome
    m.calls[call].last_ns = now
    if outcome == Outcome.GAVE_UP:
        return
    follower = m.calls[call].first_follower
    while follower >= 0:
        _later(m, now + m.calls[follower].gap_ns, follower, REQUEST)
        follower = m.calls[follower].next_follower


@inlined
def _later(m: Machine, time: int, call: int, kind: int) -> None:
    m.clock[0].events_size = push(m.events[:, 0], m.events[:, 1], m.clock[0].events_size, time, KINDS * call + kind)


@compiled
def _requested(m: Machine, call: int, time: int, now: int) -> None:
    m.calls[call].requested_ns = time
    m.calls[call].outcome = Outcome.OPEN
    m.calls[call].scheduled_ns = m.calls[call].cached_tokens = -1
    most = blocks_of(m, m.calls[call].input_tokens + m.calls[call].output_tokens - 1)
    if most + m.limits.state_blocks > m.limits.blocks_count:
        ends(m, call, Outcome.REFUSED, now)
        return
    if m.calls[call].attempts_count == 0:
        prefix.attach(m, call)
        m.calls[call].replica = _route(m, call)
        m.calls[call].stops_at_ns = time + m.calls[call].stop_ns if m.calls[call].stop_ns < NEVER else IDLE_NS
    _await_leaving(m, call, time)
    replica = m.calls[call].replica
    m.replicas[replica].load_tokens += m.calls[call].input_tokens + m.calls[call].output_tokens
    queues.enqueue(m, replica, call, in_front=False)


@compiled
def _await_leaving(m: Machine, call: int, time: int) -> None:
    """Only the first of giving up and stopping waits in the heap: most calls are over before either."""
    gives_up_at = time + m.calls[call].patience_ns if m.calls[call].patience_ns < NEVER else IDLE_NS
    stops_at = m.calls[call].stops_at_ns
    if stops_at < gives_up_at:
        _later(m, stops_at, call, STOP)
    elif gives_up_at < IDLE_NS:
        _later(m, gives_up_at, call, GIVE_UP)


@compiled
def _gives_up(m: Machine, call: int, now: int) -> None:
    attempts = m.calls[call].attempts_count
    comes_back = attempts < m.calls[call].retries_count
    _leaves(m, call, comes_back=comes_back)
    if comes_back:
        m.calls[call].attempts_count += 1
        back = now + (m.calls[call].backoff_ns << attempts)
        _later(m, back, call, REQUEST)
        if m.calls[call].stops_at_ns < back:
            _later(m, m.calls[call].stops_at_ns, call, STOP)
    else:
        ends(m, call, Outcome.GAVE_UP, now)


@compiled
def _leaves(m: Machine, call: int, comes_back: bool) -> None:
    """Off its replica, wherever it is there; a call between two attempts is nowhere."""
    if m.calls[call].place == AWAY:
        return
    replica = m.calls[call].replica
    m.replicas[replica].load_tokens -= m.calls[call].input_tokens + m.calls[call].output_tokens
    if m.calls[call].place == WAITING:
        queues.dequeue(m, replica, call)
    else:
        vacate(m, replica, call, comes_back=comes_back)
    m.calls[call].place = AWAY


@compiled
def _route(m: Machine, call: int) -> int:
    if m.limits.router == Router.ROUND_ROBIN:
        turn = m.clock[0].turn
        m.clock[0].turn += 1
        return int(turn % m.replicas.size)
    lightest = 0
    for replica in range(1, m.replicas.size):
        if m.replicas[replica].load_tokens < m.replicas[lightest].load_tokens:
            lightest = replica
    parent = m.calls[call].parent
    if m.limits.router == Router.LEAST_LOADED or parent < 0:
        return lightest
    home = m.calls[parent].replica
    own = m.calls[call].input_tokens + m.calls[call].output_tokens
    bound = AFFINITY_SLACK_PERCENT * m.replicas[lightest].load_tokens
    if home >= 0 and 100 * (m.replicas[home].load_tokens - own) <= bound:
        return int(home)
    return lightest
