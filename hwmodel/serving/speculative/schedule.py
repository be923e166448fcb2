"""Putting a step together call by call, each decoding call with its drafts, as the literal scheduler does."""

from hwmodel.serving.fast import queues
from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.fast.moves import advance, blocks_of, interrupt, prompt_need
from hwmodel.serving.fast.queue import take
from hwmodel.serving.fast.records import VERIFYING
from hwmodel.serving.fast.schedule import admit, clear, yield_to_urgent
from hwmodel.serving.fast.state import Machine
from hwmodel.serving.speculative.drafting import Drafting


@inlined
def schedule(m: Machine, d: Drafting, replica: int, now: int) -> bool:
    """Make the next step of a replica; `m.clock` and `d.step` sum it up.

    Returns:
        Whether anything was scheduled.
    """
    clear(m, replica)
    if m.limits.yielding_priority > 0:
        yield_to_urgent(m, replica)
    m.clock[0].decoding = 0
    m.clock[0].decode_kv = 0
    m.clock[0].longest_kv = 0
    d.step[0] = 0
    budget = _serve_running(m, d, replica)
    if budget > 0 and m.replicas[replica].waiting > 0:
        admit(m, replica, now, budget)
    return bool(m.clock[0].decoding + m.clock[0].prompt_count > 0)


@inlined
def _serve_running(m: Machine, d: Drafting, replica: int) -> int:
    """Give every running call its tokens in order of admission, as far as budget and blocks go.

    Returns:
        What is left of the budget; nothing where a call had to give way, for then nobody is admitted.
    """
    budget, gave_way = m.limits.max_batched_tokens, False
    call = m.replicas[replica].first_running
    while call >= 0 and budget > 0:
        is_verifying = m.calls[call].place == VERIFYING
        if is_verifying:
            left = m.calls[call].output_tokens - m.calls[call].generated_tokens
            chunk = min(1 + d.chances.size, left, budget)
            need = _verify_need(m, call, chunk)
        else:
            tokens = m.calls[call].input_tokens + m.calls[call].generated_tokens
            chunk = min(tokens - m.calls[call].computed_tokens, budget)
            need = prompt_need(m, call, chunk)
        while need > m.replicas[replica].free_blocks:
            victim = m.replicas[replica].last_running
            if m.limits.by_priority:
                victim = queues.least_urgent(m, replica)
            budget += _give_way(m, d, replica, victim)
            gave_way = True
            if victim == call:
                return 0
        if need > 0:
            take(m, replica, need)
        budget -= chunk
        if is_verifying:
            _verify(m, d, call, chunk, need)
        else:
            advance(m, replica, call, chunk, need)
        call = m.calls[call].next_running
    return 0 if gave_way else int(budget)


@inlined
def _verify_need(m: Machine, call: int, chunk: int) -> int:
    """Blocks that a decoding call lacks for its tokens of the step; those of rejected drafts are still there."""
    tokens = m.calls[call].input_tokens + m.calls[call].generated_tokens - 1 + chunk
    if tokens <= m.calls[call].blocks * m.limits.block_tokens:
        return 0
    return int(blocks_of(m, tokens) - m.calls[call].blocks)


@inlined
def _verify(m: Machine, d: Drafting, call: int, chunk: int, blocks: int) -> None:
    """Put a decoding call into the step; only what is its own by now can be found later."""
    context = m.calls[call].input_tokens + m.calls[call].generated_tokens - 1
    m.calls[call].base = m.calls[call].computed_tokens
    m.calls[call].computed_tokens = context + 1
    m.calls[call].blocks += blocks
    m.calls[call].is_scheduled = chunk
    m.clock[0].decoding += 1
    m.clock[0].decode_kv += context
    m.clock[0].longest_kv = max(m.clock[0].longest_kv, context)
    d.step[0] += chunk - 1


@compiled
def _give_way(m: Machine, d: Drafting, replica: int, call: int) -> int:
    """Interrupt a call that may have had its tokens of the step already.

    Returns:
        The tokens that it gives back.
    """
    chunk = m.calls[call].is_scheduled if m.calls[call].place == VERIFYING else 0
    context = m.calls[call].input_tokens + m.calls[call].generated_tokens - 1
    if chunk > 0:
        m.calls[call].computed_tokens = m.calls[call].base
        m.calls[call].is_scheduled = 0
        m.clock[0].decoding -= 1
        m.clock[0].decode_kv -= context
        d.step[0] -= chunk - 1
    interrupt(m, replica, call)
    if chunk > 0 and context == m.clock[0].longest_kv:
        _find_longest(m, replica)
    return int(chunk)


@compiled
def _find_longest(m: Machine, replica: int) -> None:
    longest = 0
    call = m.replicas[replica].first_running
    while call >= 0:
        if m.calls[call].place == VERIFYING and m.calls[call].is_scheduled > 0:
            longest = max(longest, m.calls[call].input_tokens + m.calls[call].generated_tokens - 1)
        call = m.calls[call].next_running
    m.clock[0].longest_kv = longest
