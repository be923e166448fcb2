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
from hwmodel.serving.heap import pop, push
from hwmodel.serving.state import TIERS, Machine
from hwmodel.serving.step_cost import step_ns

NONE = -1
IDLE_NS = np.iinfo(np.int64).max
AFFINITY_SLACK = 1.3
"""A call follows its prefix unless that replica's load is above this times the lightest load plus a tenth of memory."""


@njit(cache=True)
def run(m: Machine) -> int:
    """Replay all calls; fills `m.times` and `m.bins`, returns the number of steps.

    A call that no replica can hold gets no times; the calls after it go on as if it had ended at once.
    """
    for call in range(m.work.start_ns.size):
        if m.work.after[call] < 0:
            _arrives(m, call, m.work.start_ns[call])
    chunk_of = np.zeros(m.replicas.kv_of.shape[1], dtype=np.int64)
    steps = 0
    while True:
        stepping = int(np.argmin(m.replicas.step_end_ns))
        step_end = m.replicas.step_end_ns[stepping]
        if m.arrivals.size[0] > 0 and m.arrivals.time_ns[0] <= step_end:
            _take_arrival(m, chunk_of)
            continue
        if step_end == IDLE_NS or step_end > m.limits.horizon_ns:
            return steps
        steps += 1
        _end_step(m, stepping, step_end)
        _begin_step(m, chunk_of, stepping, step_end)


@njit(cache=True)
def _arrives(m: Machine, call: int, at: int) -> None:
    if at <= m.limits.horizon_ns:
        m.arrivals.size[0] = push(m.arrivals.time_ns, m.arrivals.call, m.arrivals.size[0], at, call)


@njit(cache=True)
def _take_arrival(m: Machine, chunk_of: np.ndarray) -> None:
    now, call = m.arrivals.time_ns[0], m.arrivals.call[0]
    m.arrivals.size[0] = pop(m.arrivals.time_ns, m.arrivals.call, m.arrivals.size[0])
    m.times.requested_ns[call] = now
    context = m.work.input_tokens[call] + m.work.output_tokens[call]
    if context + m.limits.state_tokens > m.limits.capacity_tokens:
        _start_followers(m, call, now)
        return
    replica = _route(m, call)
    _enqueue(m, call, replica)
    if m.replicas.step_end_ns[replica] == IDLE_NS:
        _begin_step(m, chunk_of, replica, now)


@njit(cache=True)
def _route(m: Machine, call: int) -> int:
    """The replica that holds the call's prefix, unless it is too loaded; else the one with least load."""
    lightest = int(np.argmin(m.replicas.load))
    source = m.work.source_entry[call]
    if source >= 0 and m.entries.status[source] > 0 and m.limits.caching:
        home = m.entries.replica[source]
        bound = AFFINITY_SLACK * m.replicas.load[lightest] + 0.1 * m.limits.capacity_tokens
        if m.replicas.load[home] <= bound:
            return int(home)
    return lightest


@njit(cache=True)
def _enqueue(m: Machine, call: int, replica: int) -> None:
    tier = m.work.tier[call]
    last = m.replicas.waiting_last[replica, tier]
    if last >= 0:
        m.times.next_waiting[last] = call
    else:
        m.replicas.waiting_first[replica, tier] = call
    m.replicas.waiting_last[replica, tier] = call
    m.times.replica[call] = replica
    m.replicas.load[replica] += m.work.input_tokens[call] + m.work.output_tokens[call]


@njit(cache=True)
def _dequeue(m: Machine, replica: int, tier: int) -> None:
    call = m.replicas.waiting_first[replica, tier]
    following = m.times.next_waiting[call]
    m.replicas.waiting_first[replica, tier] = following
    if following < 0:
        m.replicas.waiting_last[replica, tier] = NONE


@njit(cache=True)
def _admit(m: Machine, replica: int, now: int) -> int:
    """Admit the next waiting call, best tier first; returns it, or -1 where none waits or there is no room."""
    if m.replicas.running[replica] >= m.limits.max_sequences:
        return NONE
    for tier in range(TIERS):
        call = m.replicas.waiting_first[replica, tier]
        if call < 0:
            continue
        if not reserve(m, call, replica):
            return NONE
        _dequeue(m, replica, tier)
        m.times.scheduled_ns[call] = now
        m.times.remaining[call] = m.work.input_tokens[call] - m.times.cached_tokens[call]
        m.replicas.running[replica] += 1
        return int(call)
    return NONE


@njit(cache=True)
def _fill_prompts(m: Machine, chunk_of: np.ndarray, replica: int, now: int) -> tuple[int, float]:
    """Spend the token budget that decoding leaves on prompts; returns their tokens and the mean context before them."""
    budget = m.limits.max_batched_tokens - m.replicas.decoding[replica]
    chunk, context = 0, 0.0
    m.replicas.done_size[replica] = 0
    chunk_of[:] = 0
    call = m.replicas.partial[replica]
    while budget > 0:
        if call < 0:
            call = _admit(m, replica, now)
        if call < 0:
            break
        part = min(m.times.remaining[call], budget)
        context += float(part) * (m.work.input_tokens[call] - m.times.remaining[call])
        m.times.remaining[call] -= part
        chunk += part
        budget -= part
        chunk_of[m.work.surface[call]] += part
        if m.times.remaining[call] > 0:
            break
        m.replicas.done[replica, m.replicas.done_size[replica]] = call
        m.replicas.done_size[replica] += 1
        call = NONE
    m.replicas.partial[replica] = call
    return chunk, context / chunk if chunk > 0 else 0.0


@njit(cache=True)
def _begin_step(m: Machine, chunk_of: np.ndarray, replica: int, now: int) -> None:
    """Put the next step together; leaves the replica idle where there is nothing to do."""
    chunk, context = _fill_prompts(m, chunk_of, replica, now)
    decoding = m.replicas.decoding[replica]
    if chunk + decoding == 0:
        m.replicas.step_end_ns[replica] = IDLE_NS
        return
    kv_tokens = m.replicas.kv_tokens[replica]
    emitting = decoding + m.replicas.done_size[replica]
    duration = step_ns(m.cost, chunk, context, emitting, decoding, kv_tokens)
    m.replicas.step_end_ns[replica] = now + duration
    decoding_of, kv_of = m.replicas.decoding_of[replica], m.replicas.kv_of[replica]
    count_step(m.bins, duration, chunk, context, decoding, kv_tokens, chunk_of, decoding_of, kv_of)


@njit(cache=True)
def _end_step(m: Machine, replica: int, now: int) -> None:
    """Hand out the step's tokens: decoding calls end or go on, finished prompts start to decode."""
    m.replicas.step_index[replica] += 1
    step = m.replicas.step_index[replica]
    m.replicas.kv_tokens[replica] += m.replicas.decoding[replica]
    m.replicas.kv_of[replica] += m.replicas.decoding_of[replica]
    keys, calls = m.replicas.finish_key[replica], m.replicas.finish_call[replica]
    while m.replicas.finish_size[replica] > 0 and keys[0] <= step:
        call = calls[0]
        m.replicas.finish_size[replica] = pop(keys, calls, m.replicas.finish_size[replica])
        _count_decoder(m, call, replica, -1, m.work.input_tokens[call] + m.work.output_tokens[call])
        _finish_call(m, call, replica, now)
    for at in range(m.replicas.done_size[replica]):
        call = m.replicas.done[replica, at]
        m.times.first_ns[call] = now
        if m.work.output_tokens[call] <= 1:
            _finish_call(m, call, replica, now)
            continue
        _count_decoder(m, call, replica, 1, m.work.input_tokens[call] + 1)
        ends = step + m.work.output_tokens[call] - 1
        m.replicas.finish_size[replica] = push(keys, calls, m.replicas.finish_size[replica], ends, call)


@njit(cache=True)
def _count_decoder(m: Machine, call: int, replica: int, sign: int, context: int) -> None:
    surface = m.work.surface[call]
    m.replicas.decoding[replica] += sign
    m.replicas.kv_tokens[replica] += sign * context
    m.replicas.decoding_of[replica, surface] += sign
    m.replicas.kv_of[replica, surface] += sign * context


@njit(cache=True)
def _finish_call(m: Machine, call: int, replica: int, now: int) -> None:
    """End a call: free its room and start the clocks of the calls that follow."""
    m.times.last_ns[call] = now
    m.replicas.running[replica] -= 1
    m.replicas.load[replica] -= m.work.input_tokens[call] + m.work.output_tokens[call]
    release(m, call, replica)
    _start_followers(m, call, now)


@njit(cache=True)
def _start_followers(m: Machine, call: int, now: int) -> None:
    follower = m.work.first_follower[call]
    while follower >= 0:
        _arrives(m, follower, now + m.work.gap_ns[follower])
        follower = m.work.next_follower[follower]
