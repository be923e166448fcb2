"""What happens between steps: calls are requested, routed, given up and stopped, and others follow them."""

from hwmodel.serving.engine import AFFINITY_SLACK_PERCENT, NEVER, Outcome, Router
from hwmodel.serving.fast import prefix, queues
from hwmodel.serving.fast.agenda import KINDS, REQUEST, STOP, later, let_due_in, next_event, unwatch, watch
from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.fast.moves import blocks_of, vacate
from hwmodel.serving.fast.records import AWAY, IDLE_NS, WAITING
from hwmodel.serving.fast.state import Machine


@inlined
def happen(m: Machine, now: int) -> None:
    """Let the next event happen, or see that a watched call does not leave yet."""
    if m.clock[0].watched_ns <= now:
        let_due_in(m, now)
        return
    time, code = next_event(m)
    call, kind = code // KINDS, code % KINDS
    if m.calls[call].outcome > Outcome.OPEN:
        return
    if kind == REQUEST:
        _requested(m, call, time, now)
    else:
        _may_leave(m, call, kind, now)


@compiled
def _may_leave(m: Machine, call: int, kind: int, now: int) -> None:
    """A call's patience or time is over; it leaves if that still matters."""
    if kind == STOP:
        _leaves(m, call, comes_back=False)
        ends(m, call, Outcome.STOPPED, now)
    elif m.calls[call].first_ns < 0:
        _gives_up(m, call, now)
    elif m.calls[call].stops_at_ns < IDLE_NS:
        later(m, m.calls[call].stops_at_ns, call, STOP)


@compiled
def ends(m: Machine, call: int, outcome: int, now: int) -> None:
    """A call is over; those that follow it get their time, unless the user gave up."""
    m.calls[call].outcome = outcome
    m.calls[call].last_ns = now
    unwatch(m, call)
    if outcome == Outcome.GAVE_UP:
        return
    follower = m.calls[call].first_follower
    while follower >= 0:
        later(m, now + m.calls[follower].gap_ns, follower, REQUEST)
        follower = m.calls[follower].next_follower


@inlined
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
    watch(m, call)
    replica = m.calls[call].replica
    m.replicas[replica].load_tokens += m.calls[call].input_tokens + m.calls[call].output_tokens
    queues.enqueue(m, replica, call, in_front=False)


@compiled
def _gives_up(m: Machine, call: int, now: int) -> None:
    attempts = m.calls[call].attempts_count
    comes_back = attempts < m.calls[call].retries_count
    _leaves(m, call, comes_back=comes_back)
    if comes_back:
        m.calls[call].attempts_count += 1
        back = now + (m.calls[call].backoff_ns << attempts)
        later(m, back, call, REQUEST)
        if m.calls[call].stops_at_ns < back:
            later(m, m.calls[call].stops_at_ns, call, STOP)
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


@inlined
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
