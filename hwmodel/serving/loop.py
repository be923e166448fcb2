"""The replay loop: replicas step, calls arrive, wait, are computed and end; sessions go on when their calls end.

Step rule after vLLM v1 with chunked prefill: every decoding call gets one token per step; the rest of the token budget
goes to the prompt that is part-way computed and then to waiting calls, best tier first, first come first served. Room
for prompt and answer is reserved at admission, so nothing is preempted. All decoders move as one lump, so a step costs
O(1) whatever its batch.
"""

import numpy as np
from numba import njit

from hwmodel.serving.bins import count_step
from hwmodel.serving.cache import release, reserve
from hwmodel.serving.demand import NONE
from hwmodel.serving.heap import pop, push
from hwmodel.serving.state import TIERS, Machine
from hwmodel.serving.step_cost import step_ns

IDLE_NS = np.iinfo(np.int64).max
AFFINITY_SLACK = 1.3
"""A call follows its prefix unless that replica's load is above this times the lightest load plus the call itself."""


@njit(nogil=True)
def run(m: Machine) -> int:
    """Replay all calls; fills `m.times` and `m.bins`, returns the number of steps.

    A call that no replica can hold gets no times; the calls after it go on as if it had ended at once.
    """
    for call in range(m.calls.size):
        if m.calls[call].after < 0:
            _arrives(m, call, m.calls[call].start_ns)
    chunk_of = np.zeros(m.kv_of.shape[1], dtype=np.int64)
    steps = 0
    while True:
        stepping = _smallest(m.step_end_ns)
        step_end = m.step_end_ns[stepping]
        if m.arriving_size[0] > 0 and m.arriving[0, 0] <= step_end:
            _take_arrival(m, chunk_of)
            continue
        if step_end == IDLE_NS or step_end > m.limits.horizon_ns:
            return steps
        steps += 1
        _end_step(m, stepping, step_end)
        _begin_step(m, chunk_of, stepping, step_end)


@njit(inline="always")
def _smallest(values: np.ndarray) -> int:
    """Position of the smallest value, the first of equals."""
    best = 0
    for at in range(1, values.size):
        if values[at] < values[best]:
            best = at
    return best


@njit(nogil=True)
def _arrives(m: Machine, call: int, at: int) -> None:
    if at <= m.limits.horizon_ns:
        m.arriving_size[0] = push(m.arriving[0], m.arriving[1], m.arriving_size[0], at, call)


@njit(nogil=True)
def _take_arrival(m: Machine, chunk_of: np.ndarray) -> None:
    now, call = m.arriving[0, 0], m.arriving[1, 0]
    m.arriving_size[0] = pop(m.arriving[0], m.arriving[1], m.arriving_size[0])
    m.calls[call].requested_ns = now
    context = m.calls[call].input_tokens + m.calls[call].output_tokens
    if context + m.limits.state_tokens > m.limits.capacity_tokens:
        _start_followers(m, call, now)
        return
    replica = _route(m, call)
    _enqueue(m, call, replica)
    if m.step_end_ns[replica] == IDLE_NS:
        _begin_step(m, chunk_of, replica, now)


@njit(nogil=True)
def _route(m: Machine, call: int) -> int:
    """The replica that holds the call's prefix, unless it is too loaded; else the one with least load."""
    lightest = _smallest(m.load_tokens)
    source = m.calls[call].source_entry
    if source >= 0 and m.entries[source].status > 0 and m.limits.caching:
        home = m.entries[source].replica
        own = m.calls[call].input_tokens + m.calls[call].output_tokens
        bound = AFFINITY_SLACK * m.load_tokens[lightest] + own
        if m.load_tokens[home] <= bound:
            return int(home)
    return lightest


@njit(nogil=True)
def _enqueue(m: Machine, call: int, replica: int) -> None:
    tier = m.calls[call].tier
    last = m.waiting[replica, tier, 1]
    if last >= 0:
        m.calls[last].next_waiting = call
    else:
        m.waiting[replica, tier, 0] = call
    m.waiting[replica, tier, 1] = call
    m.calls[call].replica = replica
    m.load_tokens[replica] += m.calls[call].input_tokens + m.calls[call].output_tokens


@njit(nogil=True)
def _dequeue(m: Machine, replica: int, tier: int) -> None:
    call = m.waiting[replica, tier, 0]
    following = m.calls[call].next_waiting
    m.waiting[replica, tier, 0] = following
    if following < 0:
        m.waiting[replica, tier, 1] = NONE


@njit(nogil=True)
def _admit(m: Machine, replica: int, now: int) -> int:
    """Admit the next waiting call, best tier first; returns it, or -1 where none waits or there is no room."""
    if m.replicas[replica].running >= m.limits.max_sequences:
        return NONE
    for tier in range(TIERS):
        call = m.waiting[replica, tier, 0]
        if call < 0:
            continue
        if not reserve(m, call, replica):
            return NONE
        _dequeue(m, replica, tier)
        m.calls[call].scheduled_ns = now
        m.calls[call].remaining_tokens = m.calls[call].input_tokens - m.calls[call].cached_tokens
        m.replicas[replica].running += 1
        return int(call)
    return NONE


@njit(inline="always")
def _is_waiting(m: Machine, replica: int) -> bool:
    for tier in range(TIERS):  # noqa: SIM110 -- numba has no any() over a generator
        if m.waiting[replica, tier, 0] >= 0:
            return True
    return False


@njit(nogil=True)
def _fill_prompts(m: Machine, chunk_of: np.ndarray, replica: int, now: int) -> tuple[int, float]:
    """Spend the token budget that decoding leaves on prompts; returns their tokens and the mean context before them."""
    budget = m.limits.max_batched_tokens - m.replicas[replica].decoding
    chunk, context = 0, 0.0
    m.replicas[replica].done_size = 0
    call = m.replicas[replica].partial
    if call < 0 and not _is_waiting(m, replica):
        return 0, 0.0
    chunk_of[:] = 0
    while budget > 0:
        if call < 0:
            call = _admit(m, replica, now)
        if call < 0:
            break
        part = min(m.calls[call].remaining_tokens, budget)
        context += float(part) * (m.calls[call].input_tokens - m.calls[call].remaining_tokens)
        m.calls[call].remaining_tokens -= part
        chunk += part
        budget -= part
        chunk_of[m.calls[call].surface] += part
        if m.calls[call].remaining_tokens > 0:
            break
        m.done[replica, m.replicas[replica].done_size] = call
        m.replicas[replica].done_size += 1
        call = NONE
    m.replicas[replica].partial = call
    return chunk, context / chunk if chunk > 0 else 0.0


@njit(inline="always")
def _begin_step(m: Machine, chunk_of: np.ndarray, replica: int, now: int) -> None:
    """Put the next step together; leaves the replica idle where there is nothing to do."""
    chunk, context = _fill_prompts(m, chunk_of, replica, now)
    decoding = m.replicas[replica].decoding
    if chunk + decoding == 0:
        m.step_end_ns[replica] = IDLE_NS
        return
    kv_tokens = m.replicas[replica].kv_tokens
    emitting = decoding + m.replicas[replica].done_size
    duration = step_ns(m.cost, chunk, context, emitting, decoding, kv_tokens)
    m.step_end_ns[replica] = now + duration
    m.replicas[replica].busy_ns += duration
    if m.bins.steps.size > 0:
        decoding_of, kv_of = m.decoding_of[replica], m.kv_of[replica]
        count_step(m.bins, duration, chunk, context, decoding, kv_tokens, chunk_of, decoding_of, kv_of)


@njit(inline="always")
def _end_step(m: Machine, replica: int, now: int) -> None:
    """Hand out the step's tokens: decoding calls end or go on, finished prompts start to decode."""
    m.replicas[replica].step_index += 1
    step = m.replicas[replica].step_index
    m.replicas[replica].kv_tokens += m.replicas[replica].decoding
    for surface in range(m.kv_of.shape[1]):
        m.kv_of[replica, surface] += m.decoding_of[replica, surface]
    if m.replicas[replica].finish_size > 0 and m.finishing[replica, 0, 0] <= step:
        _finish_decoders(m, replica, step, now)
    if m.replicas[replica].done_size > 0:
        _start_decoders(m, replica, step, now)


@njit(nogil=True)
def _finish_decoders(m: Machine, replica: int, step: int, now: int) -> None:
    keys, calls = m.finishing[replica, 0], m.finishing[replica, 1]
    while m.replicas[replica].finish_size > 0 and keys[0] <= step:
        call = calls[0]
        m.replicas[replica].finish_size = pop(keys, calls, m.replicas[replica].finish_size)
        _count_decoder(m, call, replica, -1, m.calls[call].input_tokens + m.calls[call].output_tokens)
        _finish_call(m, call, replica, now)


@njit(nogil=True)
def _start_decoders(m: Machine, replica: int, step: int, now: int) -> None:
    keys, calls = m.finishing[replica, 0], m.finishing[replica, 1]
    for at in range(m.replicas[replica].done_size):
        call = m.done[replica, at]
        m.calls[call].first_ns = now
        if m.calls[call].output_tokens <= 1:
            _finish_call(m, call, replica, now)
            continue
        _count_decoder(m, call, replica, 1, m.calls[call].input_tokens + 1)
        ends = step + m.calls[call].output_tokens - 1
        m.replicas[replica].finish_size = push(keys, calls, m.replicas[replica].finish_size, ends, call)


@njit(nogil=True)
def _count_decoder(m: Machine, call: int, replica: int, sign: int, context: int) -> None:
    surface = m.calls[call].surface
    m.replicas[replica].decoding += sign
    m.replicas[replica].kv_tokens += sign * context
    m.decoding_of[replica, surface] += sign
    m.kv_of[replica, surface] += sign * context


@njit(nogil=True)
def _finish_call(m: Machine, call: int, replica: int, now: int) -> None:
    """End a call: free its room and start the clocks of the calls that follow."""
    m.calls[call].last_ns = now
    m.replicas[replica].running -= 1
    m.load_tokens[replica] -= m.calls[call].input_tokens + m.calls[call].output_tokens
    release(m, call, replica)
    _start_followers(m, call, now)


@njit(nogil=True)
def _start_followers(m: Machine, call: int, now: int) -> None:
    follower = m.calls[call].first_follower
    while follower >= 0:
        _arrives(m, follower, now + m.calls[follower].gap_ns)
        follower = m.calls[follower].next_follower
