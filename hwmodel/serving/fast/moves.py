"""What may happen to a call that runs: a chunk of its prompt, an interruption, the end."""

from hwmodel.serving.engine import NONE
from hwmodel.serving.fast import decoders, prefix, queues
from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.fast.records import DECODING, PARTIAL, PROMPTED, VERIFYING
from hwmodel.serving.fast.state import Machine


@inlined
def advance(m: Machine, replica: int, call: int, chunk: int, blocks: int) -> None:
    """Give a prompt its chunk of the step, and the blocks that were taken for it."""
    context = m.calls[call].computed_tokens
    m.calls[call].computed_tokens += chunk
    m.calls[call].blocks += blocks
    m.clock[0].chunk_tokens += chunk
    m.clock[0].chunk_squares += chunk * chunk
    m.clock[0].prompt_count += 1
    m.clock[0].prompt_context += chunk * context
    m.clock[0].prompt_kv += chunk + context
    m.chunk_of[m.calls[call].surface] += chunk
    if m.calls[call].computed_tokens < m.calls[call].input_tokens + m.calls[call].generated_tokens:
        m.calls[call].place = PARTIAL
        m.replicas[replica].partial = call
        return
    m.calls[call].place = PROMPTED
    m.replicas[replica].partial = NONE
    m.done[replica, m.replicas[replica].done_size] = call
    m.replicas[replica].done_size += 1


@inlined
def prompt_need(m: Machine, call: int, chunk: int) -> int:
    """Blocks that a chunk of a prompt takes."""
    return int(blocks_of(m, m.calls[call].computed_tokens + chunk) - m.calls[call].blocks)


@compiled
def interrupt(m: Machine, replica: int, call: int, has_taken: bool = False) -> None:
    """Take a running call's blocks away; it waits in front and computes what is lost again.

    Args:
        m: The machine.
        replica: Its replica, no step under way.
        call: The call.
        has_taken: Whether a decoding call has a block from the step being made.
    """
    vacate(m, replica, call, comes_back=True, has_taken=has_taken)
    m.calls[call].preemptions_count += 1
    queues.enqueue(m, replica, call, in_front=True)


@inlined
def vacate(m: Machine, replica: int, call: int, comes_back: bool, has_taken: bool = False) -> None:
    """Take a call off the running ones and give its blocks back."""
    if m.calls[call].place == DECODING:
        computed = decoders.computed_by(m, replica, call)
        blocks = blocks_of(m, computed) + (1 if has_taken else 0)
        m.calls[call].generated_tokens = decoders.generated_by(m, replica, call)
        decoders.leave(m, replica, call)
    else:
        computed, blocks = m.calls[call].computed_tokens, m.calls[call].blocks
        is_prompted = computed == m.calls[call].input_tokens + m.calls[call].generated_tokens
        if is_prompted and m.calls[call].place != VERIFYING:
            computed -= 1  # it leaves before the step is over, and may have to compute its last token again
        if m.replicas[replica].partial == call:
            m.replicas[replica].partial = NONE
    queues.stop_running(m, replica, call)
    prefix.release(m, replica, call, computed_tokens=computed, blocks=blocks, comes_back=comes_back)


@inlined
def blocks_of(m: Machine, tokens: int) -> int:
    """Blocks that hold this many tokens."""
    return -(-tokens // m.limits.block_tokens)
