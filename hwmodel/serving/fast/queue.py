"""The free queue of vLLM in segments: blocks leave at the front, which forgets their content, and come back at the end.

A content's blocks are freed last one first and hit first one first, so what is left of a run is always its beginning,
in one segment.
"""

import numpy as np

from hwmodel.serving.engine import NONE
from hwmodel.serving.fast.jit import inlined
from hwmodel.serving.fast.state import Machine


@inlined
def take(m: Machine, replica: int, count: int) -> None:
    """Take blocks from the front; the caller knows that there are enough."""
    m.replicas[replica].free_blocks -= count
    while count > 0:
        segment = m.replicas[replica].oldest
        part = min(count, m.segments[segment].count)
        m.segments[segment].count -= part
        count -= part
        if m.segments[segment].count == 0:
            run = m.segments[segment].run
            if run >= 0:
                _place_of(m, replica, run, NONE)
            _unlink(m, replica, segment)


@inlined
def give_empty(m: Machine, replica: int, count: int) -> None:
    """Put blocks whose content nobody will look for at the end."""
    if count <= 0:
        return
    m.replicas[replica].free_blocks += count
    newest = m.replicas[replica].newest
    if newest >= 0 and m.segments[newest].run < 0:
        m.segments[newest].count += count
        return
    _append(m, replica, NONE, count)


@inlined
def give_run(m: Machine, replica: int, run: int, count: int) -> None:
    """Put the first `count` blocks of a run at the end, the last one first."""
    if count <= 0:
        return
    m.replicas[replica].free_blocks += count
    _place_of(m, replica, run, _append(m, replica, run, count))


@inlined
def withdraw(m: Machine, replica: int, run: int, segment: int) -> None:
    """A run's blocks are used again."""
    m.replicas[replica].free_blocks -= m.segments[segment].count
    _place_of(m, replica, run, NONE)
    _unlink(m, replica, segment)


@inlined
def segment_of(m: Machine, replica: int, run: int) -> int:
    """Where a run lies in the free queue, or -1."""
    if run < m.calls.size:
        return int(m.calls[run].leaf_segment)
    return int(m.shared_runs[replica, run - m.calls.size].segment)


@inlined
def _place_of(m: Machine, replica: int, run: int, segment: int) -> None:
    if run < m.calls.size:
        m.calls[run].leaf_segment = segment
    else:
        m.shared_runs[replica, run - m.calls.size].segment = segment


@inlined
def _append(m: Machine, replica: int, run: int, count: int) -> int:
    segment = m.clock[0].free_segment
    m.clock[0].free_segment = m.segments[segment].newer
    newest = m.replicas[replica].newest
    m.segments[segment].run = run
    m.segments[segment].count = count
    m.segments[segment].older = newest
    m.segments[segment].newer = NONE
    if newest >= 0:
        m.segments[newest].newer = segment
    else:
        m.replicas[replica].oldest = segment
    m.replicas[replica].newest = segment
    return int(segment)


@inlined
def _unlink(m: Machine, replica: int, segment: int) -> None:
    older, newer = m.segments[segment].older, m.segments[segment].newer
    if older >= 0:
        m.segments[older].newer = newer
    else:
        m.replicas[replica].oldest = newer
    if newer >= 0:
        m.segments[newer].older = older
    else:
        m.replicas[replica].newest = older
    m.segments[segment].newer = m.clock[0].free_segment
    m.clock[0].free_segment = segment


def free_blocks_told(segments: np.ndarray, first: int) -> int:
    """Blocks in a free queue, counted one segment after the other; tests compare it with the running count."""
    total, segment = 0, first
    while segment >= 0:
        total += int(segments[segment]["count"])
        segment = int(segments[segment]["newer"])
    return total
