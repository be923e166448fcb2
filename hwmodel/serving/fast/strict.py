"""The step rule call by call: for the rare step in which priority decides who gives way."""

from hwmodel.serving.fast import decoders, queues
from hwmodel.serving.fast.jit import compiled
from hwmodel.serving.fast.moves import advance, interrupt, prompt_need
from hwmodel.serving.fast.queue import take
from hwmodel.serving.fast.records import DECODING
from hwmodel.serving.fast.state import Machine

LEFT_OUT, SERVED, SERVED_WITH_BLOCK = 0, 1, 2
"""What a decoding call has of the step being made."""


@compiled
def schedule_one_by_one(m: Machine, replica: int) -> bool:
    """Give every running call its tokens in order of admission; the least urgent call gives way where blocks run out.

    That call may have had its token of this step already. Where it is the very call that asks, the calls behind it
    get nothing in this step (vLLM leaves its loop there). Nobody is admitted.

    Returns:
        Whether anything was scheduled; then `m.clock` tells of the decoding calls that were.
    """
    budget = m.limits.max_batched_tokens
    call = m.replicas[replica].first_running
    while call >= 0 and budget > 0:
        chunk = _tokens_of(m, call, budget)
        need = _need_of(m, replica, call, chunk)
        while need > m.replicas[replica].free_blocks:
            victim = queues.least_urgent(m, replica)
            budget += 1 if m.calls[victim].is_scheduled != LEFT_OUT else 0
            has_taken = m.calls[victim].is_scheduled == SERVED_WITH_BLOCK
            m.calls[victim].is_scheduled = LEFT_OUT
            interrupt(m, replica, victim, has_taken=has_taken)
            if victim == call:
                return _settle(m, replica)
        take(m, replica, need)
        budget -= chunk
        if m.calls[call].place == DECODING:
            m.calls[call].is_scheduled = SERVED_WITH_BLOCK if need > 0 else SERVED
        else:
            advance(m, replica, call, chunk, need)
        call = m.calls[call].next_running
    return _settle(m, replica)


@compiled
def _tokens_of(m: Machine, call: int, budget: int) -> int:
    if m.calls[call].place == DECODING:
        return 1
    tokens = m.calls[call].input_tokens + m.calls[call].generated_tokens
    return int(min(tokens - m.calls[call].computed_tokens, budget))


@compiled
def _need_of(m: Machine, replica: int, call: int, chunk: int) -> int:
    if m.calls[call].place == DECODING:
        return 1 if decoders.needs_block(m, replica, call) else 0
    return prompt_need(m, call, chunk)


@compiled
def _settle(m: Machine, replica: int) -> bool:
    """Sum up the decoding calls that were served, and let the others wait for a step."""
    count, kv_tokens, longest = 0, 0, 0
    step = m.replicas[replica].step
    call = m.replicas[replica].first_running
    while call >= 0:
        if m.calls[call].is_scheduled != LEFT_OUT:
            context = m.calls[call].base + step
            count += 1
            kv_tokens += context
            longest = max(longest, context)
        call = m.calls[call].next_running
    m.clock[0].decoding = count
    m.clock[0].decode_kv = kv_tokens
    m.clock[0].longest_kv = longest
    goes_on = count + m.clock[0].prompt_count > 0
    call = m.replicas[replica].first_running
    while call >= 0:
        if goes_on and m.calls[call].place == DECODING and m.calls[call].is_scheduled == LEFT_OUT:
            decoders.stall(m, replica, call)
        m.calls[call].is_scheduled = LEFT_OUT
        call = m.calls[call].next_running
    return goes_on
