"""The prefix cache: what of a call's blocks is still there, taking it into use, and giving it back.

A run that somebody uses is complete, but for the prompt under way, of which there is one at most: it takes the whole
budget, so nobody is admitted beside it. What is left of a chain of runs is always its beginning, for runs further along
are freed earlier.
"""

from hwmodel.serving.engine import NONE, Outcome
from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.fast.queue import give_empty, give_run, segment_of, withdraw
from hwmodel.serving.fast.state import Machine


@inlined
def attach(m: Machine, call: int) -> None:
    """Share the owner's blocks where they are written by now; else the call's content is its own from the start."""
    owner = m.calls[call].owner
    if owner < 0 or owner >= m.calls.size:
        return
    shared_tokens = m.calls[call].shared_blocks * m.limits.block_tokens
    is_written = m.calls[owner].outcome > Outcome.OPEN or shared_tokens <= m.calls[owner].input_tokens
    if m.calls[owner].first_ns < 0 or not is_written:
        first = m.calls[call].first_run
        m.runs[first].lo = 0
        m.runs[first].parent = NONE


@inlined
def found_blocks(m: Machine, replica: int, call: int) -> tuple[int, int]:
    """Blocks from the call's first one on that still hold its content; and how many of these are in the free queue."""
    if not m.limits.caching:
        return 0, 0
    found, idle, run = 0, 0, call
    while run >= 0:
        if _is_used(m, replica, run):
            return int(max(found, _written(m, replica, run))), idle
        segment = segment_of(m, replica, run)
        if segment >= 0:
            count = m.segments[segment].count
            found = max(found, m.runs[run].lo + count)
            idle += count
        run = m.runs[run].parent
    return int(found), idle


@inlined
def hold(m: Machine, replica: int, call: int) -> None:
    """Take all that `found_blocks` found into use."""
    if not m.limits.caching:
        return
    run = call
    while run >= 0:
        was_used = _is_used(m, replica, run)
        if run >= m.calls.size:
            m.shared_runs[replica, run - m.calls.size].uses += 1
        if was_used:
            return
        segment = segment_of(m, replica, run)
        if segment >= 0:
            withdraw(m, replica, run, segment)
        run = m.runs[run].parent


@inlined
def release(m: Machine, replica: int, call: int, computed_tokens: int, blocks: int, comes_back: bool) -> None:
    """Give a call's blocks back, last one first; blocks that others use stay.

    Args:
        m: The machine.
        replica: Where it ran.
        call: The call.
        computed_tokens: Tokens whose cache is written.
        blocks: Blocks it holds, shared ones included.
        comes_back: Whether it will look for its own last blocks again.
    """
    give_empty(m, replica, m.limits.state_blocks)
    if not m.limits.caching:
        give_empty(m, replica, blocks)
        return
    whole = computed_tokens // m.limits.block_tokens
    give_empty(m, replica, blocks - whole)
    if comes_back:
        give_run(m, replica, call, whole - m.runs[call].lo)
    else:
        give_empty(m, replica, whole - m.runs[call].lo)
    run = m.runs[call].parent
    while run >= 0:
        m.shared_runs[replica, run - m.calls.size].uses -= 1
        if m.shared_runs[replica, run - m.calls.size].uses > 0:
            return
        give_run(m, replica, run, min(whole, m.runs[run].hi) - m.runs[run].lo)
        run = m.runs[run].parent


@compiled
def _written(m: Machine, replica: int, run: int) -> int:
    """End of what is computed of a run in use."""
    partial = m.replicas[replica].partial
    own = m.runs[partial].parent if partial >= 0 else NONE
    while own >= 0:
        if own == run:
            return int(min(m.runs[run].hi, m.calls[partial].computed_tokens // m.limits.block_tokens))
        own = m.runs[own].parent
    return int(m.runs[run].hi)


@inlined
def _is_used(m: Machine, replica: int, run: int) -> bool:
    return run >= m.calls.size and m.shared_runs[replica, run - m.calls.size].uses > 0
