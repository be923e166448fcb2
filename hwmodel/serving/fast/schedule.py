"""Putting a step together, as the literal scheduler does, without a look at every decoding call."""

from hwmodel.serving.fast import decoders, prefix, queues
from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.fast.moves import advance, blocks_of, interrupt, prompt_need
from hwmodel.serving.fast.queue import take
from hwmodel.serving.fast.state import Machine
from hwmodel.serving.fast.strict import schedule_one_by_one

NOTHING, AS_A_LUMP, ONE_BY_ONE = 0, 1, 2
"""What was scheduled: nothing, every decoding call, or those that `m.clock` tells of."""


@inlined
def schedule(m: Machine, replica: int, now: int) -> int:
    """Make the next step of a replica; its prompts are summed up in `m.clock`.

    Returns:
        `NOTHING`, `AS_A_LUMP` or `ONE_BY_ONE`.
    """
    clear(m, replica)
    if m.limits.yielding_priority > 0:
        yield_to_urgent(m, replica)
    decoding = m.replicas[replica].decoding
    partial = m.replicas[replica].partial
    need = decoders.blocks_needed(m, replica)
    chunk = 0
    if partial >= 0:
        rest = m.calls[partial].input_tokens + m.calls[partial].generated_tokens - m.calls[partial].computed_tokens
        chunk = min(rest, m.limits.max_batched_tokens - decoding)
    of_partial = prompt_need(m, partial, chunk) if chunk > 0 else 0
    if need + of_partial <= m.replicas[replica].free_blocks:
        take(m, replica, need + of_partial)
        if chunk > 0:
            advance(m, replica, partial, chunk, of_partial)
        budget = m.limits.max_batched_tokens - decoding - chunk
        if m.replicas[replica].waiting > 0:
            admit(m, replica, now, budget)
        return AS_A_LUMP if decoding + m.clock[0].prompt_count > 0 else NOTHING
    if m.limits.by_priority:
        return ONE_BY_ONE if schedule_one_by_one(m, replica) else NOTHING
    _make_room(m, replica, need, of_partial, chunk)
    return AS_A_LUMP if m.replicas[replica].decoding + m.clock[0].prompt_count > 0 else NOTHING


@inlined
def clear(m: Machine, replica: int) -> None:
    """No prompt is in the step to be made."""
    m.replicas[replica].done_size = 0
    if m.clock[0].prompt_count > 0:
        m.clock[0].chunk_tokens = 0
        m.clock[0].chunk_squares = 0
        m.clock[0].prompt_count = 0
        m.clock[0].prompt_context = 0
        m.clock[0].prompt_kv = 0
        m.chunk_of[:] = 0


@compiled
def _make_room(m: Machine, replica: int, need: int, of_partial: int, chunk: int) -> None:
    """First come first served: the newest calls give way until the rest fits. Nobody is admitted after that.

    Taking block by block in order of admission ends at the same calls: what they need only adds up.
    """
    while need + of_partial > m.replicas[replica].free_blocks:
        victim = m.replicas[replica].last_running
        if victim == m.replicas[replica].partial:
            of_partial = chunk = 0
        elif decoders.needs_block(m, replica, victim):
            need -= 1
        interrupt(m, replica, victim)
    take(m, replica, need + of_partial)
    if chunk > 0:
        advance(m, replica, m.replicas[replica].partial, chunk, of_partial)


@inlined
def admit(m: Machine, replica: int, now: int, budget: int) -> None:
    """Admit waiting calls while budget, sequences and blocks last."""
    while budget > 0 and m.replicas[replica].waiting > 0 and m.replicas[replica].running < m.limits.max_sequences:
        call = queues.next_waiting(m, replica)
        tokens = m.calls[call].input_tokens + m.calls[call].generated_tokens
        found, idle = prefix.found_blocks(m, replica, call)
        computed = max(found * m.limits.block_tokens, m.calls[call].loaded_tokens)
        chunk = min(tokens - computed, budget)
        wanted = tokens if m.limits.reserve_full_prompt else computed + chunk
        if blocks_of(m, wanted) - found + m.limits.state_blocks + idle > m.replicas[replica].free_blocks:
            return
        queues.dequeue(m, replica, call)
        prefix.hold(m, replica, call)
        blocks = blocks_of(m, computed + chunk) - found
        take(m, replica, m.limits.state_blocks + blocks)
        m.calls[call].computed_tokens = computed
        m.calls[call].blocks = found
        if m.calls[call].scheduled_ns < 0:
            m.calls[call].scheduled_ns = now
            m.calls[call].cached_tokens = computed
        queues.start_running(m, replica, call)
        advance(m, replica, call, chunk, blocks)
        budget -= chunk


@compiled
def yield_to_urgent(m: Machine, replica: int) -> None:
    """Interrupt the least urgent calls that may be interrupted, until the next urgent one can be admitted."""
    first = m.limits.yielding_priority
    while m.replicas[replica].waiting > 0:
        call = queues.next_waiting(m, replica)
        if m.calls[call].priority >= first:
            return
        found, idle = prefix.found_blocks(m, replica, call)
        tokens = m.calls[call].input_tokens + m.calls[call].generated_tokens
        need = blocks_of(m, tokens) - found + m.limits.state_blocks + idle
        has_seat = m.replicas[replica].running < m.limits.max_sequences
        if has_seat and need <= m.replicas[replica].free_blocks:
            return
        victim = queues.least_urgent(m, replica)
        if victim < 0 or m.calls[victim].priority < first:
            return
        interrupt(m, replica, victim)
