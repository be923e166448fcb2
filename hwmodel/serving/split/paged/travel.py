"""Hand-overs of the compiled replay: who is asked for room, what is sent when, and what arrives."""

from hwmodel.serving.engine import AFFINITY_SLACK_PERCENT, Router
from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.heap import push
from hwmodel.serving.split.host import loaded_after
from hwmodel.serving.split.paged import pool, queues
from hwmodel.serving.split.paged.records import ARRIVE, KINDS
from hwmodel.serving.split.paged.state import Machine
from hwmodel.serving.split.sending import sent_after, sent_along


@inlined
def later(m: Machine, time: int, call: int, kind: int) -> None:
    """An event of a call, at a time."""
    m.clock[0].events_size = push(m.events[0], m.events[1], m.clock[0].events_size, time, KINDS * call + kind)


@compiled
def routed(m: Machine, part: int, first: int, count: int, router: int, turn: int) -> int:
    """The replica of a pool, `count` of them from `first` on, that a part goes to."""
    if router == Router.ROUND_ROBIN:
        return first + turn % count
    lightest = first
    for replica in range(first + 1, first + count):
        if m.replicas[replica].load_tokens < m.replicas[lightest].load_tokens:
            lightest = replica
    size = m.limits.calls_count
    parent = m.calls[part % size].parent
    if router == Router.LEAST_LOADED or parent < 0:
        return lightest
    home = m.parts[parent + (size if part >= size else 0)].replica
    own = m.parts[part].input_tokens + m.parts[part].output_tokens
    if home < 0:
        return lightest
    limit = AFFINITY_SLACK_PERCENT * m.replicas[lightest].load_tokens
    return int(home if 100 * (m.replicas[home].load_tokens - own) <= limit else lightest)


@inlined
def joins(m: Machine, part: int, replica: int) -> None:
    """A part waits on a replica."""
    m.parts[part].replica = replica
    m.replicas[replica].load_tokens += m.parts[part].input_tokens + m.parts[part].output_tokens
    queues.enqueue(m, replica, part, in_front=False)


@compiled
def ask_for_room(m: Machine, call: int) -> None:
    """A call waits on a decode replica until that has blocks for its prompt."""
    part, turn = m.limits.calls_count + call, m.clock[0].decode_turn
    m.clock[0].decode_turn += 1
    first, count = m.limits.prefill_count, m.limits.decode_count
    joins(m, part, routed(m, part, first, count, m.limits.decode_router, turn))


@compiled
def has_room(m: Machine, call: int, now: int) -> None:
    """What is ready of a call can be sent; what the decode replica holds already need not."""
    part, sender = m.limits.calls_count + call, m.parts[call].replica
    m.calls[call].room_ns = now
    m.calls[call].sent_to = min(m.parts[part].cached_tokens, m.parts[part].input_tokens)
    tokens, is_last = _unsent(m, call), _is_last(m, call)
    ends = now
    if _is_worth(m, tokens, int(is_last)):
        ends = sent_after(m.link, m.replicas[sender].link_free_ns, now, tokens, int(is_last))
        m.replicas[sender].link_free_ns = ends
    _is_sent(m, call, ends)


@compiled
def load(m: Machine, call: int, now: int) -> None:
    """Blocks of a call are loaded from its replica's host memory."""
    replica = m.parts[call].replica
    ends = loaded_after(m.host, m.replicas[replica].link_free_ns, now, m.calls[call].from_host)
    m.replicas[replica].link_free_ns = ends
    m.calls[call].loaded_blocks += m.calls[call].from_host
    later(m, ends + m.host.latency_ns, call, ARRIVE)


@compiled
def send_along(m: Machine, replica: int, now: int) -> None:
    """What a step of a prefill replica computed for calls that have room went along with it."""
    tokens, last, room_ns = 0, 0, 0
    for at in range(m.replicas[replica].running):
        call = m.running[replica, at]
        if m.parts[call].share > 0 and m.calls[call].room_ns >= 0:
            tokens += _unsent(m, call)
            last += _is_last(m, call)
            room_ns = max(room_ns, m.calls[call].room_ns)
    ends = now
    if _is_worth(m, tokens, last):
        began, free_ns = m.replicas[replica].began_ns, m.replicas[replica].link_free_ns
        ends = sent_along(m.link, free_ns, room_ns, began, now, tokens, last)
        m.replicas[replica].link_free_ns = ends
    for at in range(m.replicas[replica].running):
        call = m.running[replica, at]
        if m.parts[call].share > 0 and m.calls[call].room_ns >= 0:
            _is_sent(m, call, ends)


@inlined
def arrives(m: Machine, call: int, now: int) -> None:
    """All of a prompt's cache is there: it can be found, and the prefill replica's blocks are free."""
    part, size = m.limits.calls_count + call, m.limits.block_tokens
    if m.limits.decode_count == 0:
        pool.tell(m, m.parts[call].replica, call, m.parts[call].found_tokens // size)
        queues.arrive(m, m.parts[call].replica, call)
        return
    m.calls[call].arrived_ns = now
    pool.release(m, m.parts[call].replica, call)
    replica = m.parts[part].replica
    pool.tell(m, replica, part, m.parts[part].input_tokens // size)
    queues.arrive(m, replica, part)


@inlined
def _unsent(m: Machine, call: int) -> int:
    return int(max(m.calls[call].ready_tokens - m.calls[call].sent_to, 0))


@inlined
def _is_last(m: Machine, call: int) -> bool:
    return bool(m.calls[call].ready_tokens == m.parts[call].input_tokens)


@inlined
def _is_worth(m: Machine, tokens: int, sequences: int) -> bool:
    return tokens > 0 or (sequences > 0 and m.link.ns_per_sequence > 0.0)


@inlined
def _is_sent(m: Machine, call: int, ends: int) -> None:
    m.calls[call].sent_tokens += _unsent(m, call)
    m.calls[call].sent_to = max(m.calls[call].sent_to, m.calls[call].ready_tokens)
    if _is_last(m, call):
        later(m, ends + m.link.latency_ns, call, ARRIVE)
