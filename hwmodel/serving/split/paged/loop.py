"""The compiled replay loop: steps end, calls are requested and arrive, idle replicas put their next step together."""

from hwmodel.serving.engine import Outcome
from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.heap import pop
from hwmodel.serving.split.paged import pool, travel
from hwmodel.serving.split.paged.records import IDLE_NS, KINDS, REQUEST
from hwmodel.serving.split.paged.schedule import features, schedule
from hwmodel.serving.split.paged.state import Machine
from hwmodel.serving.step_cost import step_ns


@inlined
def run(m: Machine) -> None:
    """Replay all calls; what happened to them is in `m.calls` and `m.parts` afterwards."""
    while True:
        now = m.events[0, 0] if m.clock[0].events_size > 0 else IDLE_NS
        for replica in range(m.replicas.size):
            now = min(now, m.replicas[replica].step_end_ns)
        if now > m.limits.horizon_ns or now == IDLE_NS:
            return
        for replica in range(m.replicas.size):
            if m.replicas[replica].step_end_ns == now:
                _end_step(m, replica, now)
        while m.clock[0].events_size > 0 and m.events[0, 0] <= now:
            _happens(m, now)
        for replica in range(m.replicas.size):
            if m.replicas[replica].step_end_ns == IDLE_NS:
                _begin_step(m, replica, now)


@compiled
def _happens(m: Machine, now: int) -> None:
    time, code = m.events[0, 0], m.events[1, 0]
    m.clock[0].events_size = pop(m.events[0], m.events[1], m.clock[0].events_size)
    call = code // KINDS
    if code % KINDS == REQUEST:
        _requested(m, call, time, now)
    else:
        travel.arrives(m, call, now)


@compiled
def _requested(m: Machine, call: int, time: int, now: int) -> None:
    twin = m.limits.calls_count + call
    m.parts[call].requested_ns = m.parts[twin].requested_ns = time
    prompt, answer = m.parts[twin].input_tokens, m.parts[twin].output_tokens
    is_held = answer > 1 or m.limits.decode_count == 0
    too_long = is_held and (
        pool.blocks_of(m, prompt + answer - 1) + m.limits.decode_state_blocks > m.limits.decode_blocks
    )
    if too_long or pool.blocks_of(m, prompt) + m.limits.prefill_state_blocks > m.limits.prefill_blocks:
        _ends(m, call, Outcome.REFUSED, now)
        return
    m.calls[call].outcome = Outcome.OPEN
    _attach(m, call)
    turn = m.clock[0].prefill_turn
    m.clock[0].prefill_turn += 1
    travel.joins(m, call, travel.routed(m, call, 0, m.limits.prefill_count, m.limits.prefill_router, turn))


@inlined
def _attach(m: Machine, call: int) -> None:
    """Share the owner's blocks where they are written by now; tell the content of each block of the call."""
    size, owner = m.limits.calls_count, m.calls[call].owner
    if 0 <= owner < size:
        shared_tokens = m.calls[call].shared_blocks * m.limits.block_tokens
        is_written = m.calls[owner].outcome > Outcome.OPEN or shared_tokens <= m.parts[owner].input_tokens
        m.calls[call].is_attached = m.calls[owner].first_ns >= 0 and is_written
    twin, content = size + call, call
    most = pool.blocks_of(m, m.parts[twin].input_tokens + m.parts[twin].output_tokens)
    for block in range(most - 1, -1, -1):
        while content < size and m.calls[content].is_attached and block < m.calls[content].shared_blocks:
            content = m.calls[content].owner
        first = m.calls[content].key_at if content < size else m.system_at[content - size]
        m.keys[m.calls[call].key_at + block] = first + block


@inlined
def _ends(m: Machine, call: int, outcome: int, now: int) -> None:
    m.calls[call].outcome = outcome
    m.calls[call].last_ns = now
    follower = m.calls[call].first_follower
    while follower >= 0:
        travel.later(m, now + m.calls[follower].gap_ns, follower, REQUEST)
        follower = m.calls[follower].next_follower


@compiled
def _begin_step(m: Machine, replica: int, now: int) -> None:
    is_prefill = replica < m.limits.prefill_count
    while (
        m.replicas[replica].first_waiting >= 0
        or m.replicas[replica].running > 0
        or m.replicas[replica].first_arrived >= 0
    ):
        waited, ran = m.replicas[replica].first_waiting, m.replicas[replica].running
        schedule(m, replica, now)
        given = m.clock[0].given_size
        for at in range(given):
            if m.limits.decode_count > 0:
                travel.has_room(m, m.given[at], now)
            else:
                travel.load(m, m.given[at], now)
        made = features(m, replica)
        if made.chunk_tokens + made.decoding > 0:
            duration = step_ns(m.prefill_cost, made) if is_prefill else step_ns(m.decode_cost, made)
            m.replicas[replica].began_ns = now
            m.replicas[replica].step_end_ns = now + duration
            m.replicas[replica].busy_ns += duration
            m.clock[0].steps += 1
            m.clock[0].computed_tokens += made.chunk_tokens + made.decoding
            if is_prefill and m.link.overlap:
                _ask_early(m, replica)
            return
        if given == 0 and ran == m.replicas[replica].running and waited == m.replicas[replica].first_waiting:
            return


@inlined
def _ask_early(m: Machine, replica: int) -> None:
    """Where sending overlaps, a decode replica is asked for room when the prompt's first step begins."""
    size = m.limits.calls_count
    for at in range(m.replicas[replica].running):
        call = m.running[replica, at]
        if m.parts[call].share > 0 and m.parts[size + call].output_tokens > 1 and m.parts[size + call].replica < 0:
            travel.ask_for_room(m, call)


@compiled
def _end_step(m: Machine, replica: int, now: int) -> None:
    """Hand out the step's tokens, then let calls end or go on to their decode replica."""
    if replica < m.limits.prefill_count and m.limits.decode_count > 0:
        for at in range(m.replicas[replica].running):
            call = m.running[replica, at]
            if m.parts[call].share > 0:
                m.calls[call].ready_tokens = m.parts[call].computed_tokens
        if m.link.overlap:
            travel.send_along(m, replica, now)
    m.replicas[replica].step_end_ns = IDLE_NS
    _hand_out(m, replica, now)
    for at in range(m.clock[0].done_size):
        part = m.done[at]
        if part >= m.limits.calls_count:
            _ends(m, part - m.limits.calls_count, Outcome.DONE, now)
        elif m.parts[m.limits.calls_count + part].output_tokens == 1 or m.limits.decode_count == 0:
            pool.release(m, replica, part)
            _ends(m, part, Outcome.DONE, now)
        elif not m.link.overlap:
            travel.ask_for_room(m, part)


@inlined
def _hand_out(m: Machine, replica: int, now: int) -> None:
    """Tokens of the step; parts that have all of theirs run no more, and those of decode replicas give their blocks."""
    size, to, done = m.limits.calls_count, 0, 0
    for at in range(m.replicas[replica].running):
        part = m.running[replica, at]
        gets = m.parts[part].share > 0 and m.parts[part].computed_tokens == pool.tokens_of(m, part)
        m.parts[part].share = 0
        if gets:
            m.parts[part].generated_tokens += 1
            m.parts[part].is_decoding = 1
            if part < size and m.calls[part].first_ns < 0:
                m.calls[part].first_ns = now
        if gets and m.parts[part].generated_tokens == m.parts[part].output_tokens:
            m.replicas[replica].load_tokens -= m.parts[part].input_tokens + m.parts[part].output_tokens
            if part >= size:
                pool.release(m, replica, part)
            m.done[done] = part
            done += 1
            continue
        m.running[replica, to] = part
        to += 1
    m.replicas[replica].running = to
    m.clock[0].done_size = done
