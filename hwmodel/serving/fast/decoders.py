"""Decoding calls as one lump: each gets one token a step, so sums over them move by themselves."""

import numpy as np

from hwmodel.serving.engine import NONE
from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.fast.records import DECODING, IDLE_NS, WHEEL_SLOTS
from hwmodel.serving.fast.state import Machine
from hwmodel.serving.heap import pop, push


@inlined
def enter(m: Machine, replica: int, call: int, context: int, first_step: int) -> None:
    """A call starts to decode with `context` tokens computed, its first step being `first_step`."""
    m.calls[call].place = DECODING
    m.calls[call].base = context - first_step
    m.calls[call].finish_step = first_step + m.calls[call].output_tokens - m.calls[call].generated_tokens - 1
    _count(m, replica, call, 1)
    _into_wheel(m, replica, call)
    _raise(m, replica, call)


@inlined
def leave(m: Machine, replica: int, call: int) -> None:
    """A call stops to decode: it is done, interrupted or gone."""
    _count(m, replica, call, -1)
    _out_of_wheel(m, replica, call)


@compiled
def stall(m: Machine, replica: int, call: int) -> None:
    """A call gets no token in the step being made."""
    leave(m, replica, call)
    m.calls[call].base -= 1
    m.calls[call].finish_step += 1
    m.calls[call].stalled_step = m.replicas[replica].step
    _count(m, replica, call, 1)
    _into_wheel(m, replica, call)
    _raise(m, replica, call)


@inlined
def computed_by(m: Machine, replica: int, call: int) -> int:
    """Tokens of a decoding call that are computed, the one of a step under way included."""
    in_step = 1 if m.step_end_ns[replica] != IDLE_NS else 0
    return int(m.calls[call].base + m.replicas[replica].step + in_step)


@inlined
def generated_by(m: Machine, replica: int, call: int) -> int:
    """Tokens that a decoding call has got so far."""
    is_stalled = 1 if m.calls[call].stalled_step == m.replicas[replica].step else 0
    steps_left = m.calls[call].finish_step - is_stalled - m.replicas[replica].step + 1
    return int(m.calls[call].output_tokens - steps_left)


@inlined
def needs_block(m: Machine, replica: int, call: int) -> bool:
    """Whether the next token of a decoding call begins a block."""
    return (m.calls[call].base + m.replicas[replica].step) % m.limits.block_tokens == 0


@inlined
def blocks_needed(m: Machine, replica: int) -> int:
    """How many decoding calls begin a block in the next step."""
    return int(m.phases[replica, (-m.replicas[replica].step) % m.limits.block_tokens])


@inlined
def finishers(m: Machine, replica: int) -> int:
    """Calls that end with the step under way, into `m.finishing` in order of admission; returns how many."""
    step = m.replicas[replica].step
    count = 0
    call = m.wheel[replica, step % WHEEL_SLOTS]
    while call >= 0:
        if m.calls[call].finish_step == step:
            at = count
            while at > 0 and m.calls[m.finishing[at - 1]].order > m.calls[call].order:
                m.finishing[at] = m.finishing[at - 1]
                at -= 1
            m.finishing[at] = call
            count += 1
        call = m.calls[call].next_finishing
    return count


@compiled
def longest_context(m: Machine, replica: int) -> int:
    """Context of the longest decoding call; 0 where none decodes."""
    keys, calls = m.tallest[replica, 0], m.tallest[replica, 1]
    while m.replicas[replica].tallest_size > 0:
        call = calls[0]
        is_here = m.calls[call].place == DECODING and m.calls[call].replica == replica
        if is_here and m.calls[call].base == -keys[0]:
            return int(m.calls[call].base + m.replicas[replica].step)
        m.replicas[replica].tallest_size = pop(keys, calls, m.replicas[replica].tallest_size)
    return 0


@inlined
def _count(m: Machine, replica: int, call: int, sign: int) -> None:
    base = m.calls[call].base
    m.replicas[replica].decoding += sign
    m.replicas[replica].base_sum += sign * base
    m.phases[replica, base % m.limits.block_tokens] += sign
    surface = m.calls[call].surface
    m.decoding_of[replica, surface] += sign
    m.base_of[replica, surface] += sign * base


@inlined
def _into_wheel(m: Machine, replica: int, call: int) -> None:
    slot = m.calls[call].finish_step % WHEEL_SLOTS
    first = m.wheel[replica, slot]
    m.calls[call].prev_finishing = NONE
    m.calls[call].next_finishing = first
    if first >= 0:
        m.calls[first].prev_finishing = call
    m.wheel[replica, slot] = call


@inlined
def _out_of_wheel(m: Machine, replica: int, call: int) -> None:
    before, following = m.calls[call].prev_finishing, m.calls[call].next_finishing
    if before >= 0:
        m.calls[before].next_finishing = following
    else:
        m.wheel[replica, m.calls[call].finish_step % WHEEL_SLOTS] = following
    if following >= 0:
        m.calls[following].prev_finishing = before


@compiled
def _raise(m: Machine, replica: int, call: int) -> None:
    """Put a decoding call into the heap of the tallest; where the heap is full of stale entries, make it anew."""
    if not m.limits.wants_longest:
        return
    keys, calls = m.tallest[replica, 0], m.tallest[replica, 1]
    if m.replicas[replica].tallest_size == keys.size:
        _rebuild(m, replica, keys, calls)
    else:
        m.replicas[replica].tallest_size = push(
            keys, calls, m.replicas[replica].tallest_size, -m.calls[call].base, call
        )


@compiled
def _rebuild(m: Machine, replica: int, keys: np.ndarray, calls: np.ndarray) -> None:
    size = 0
    call = m.replicas[replica].first_running
    while call >= 0:
        if m.calls[call].place == DECODING:
            size = push(keys, calls, size, -m.calls[call].base, call)
        call = m.calls[call].next_running
    m.replicas[replica].tallest_size = size
