"""Host memory of a replica: the contents that it holds in order of use, the least recently used one going."""

from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.split.paged.records import NOTHING
from hwmodel.serving.split.paged.state import Machine


@compiled
def use(m: Machine, replica: int, content: int) -> None:
    """A content is written to host memory, or read there."""
    end = m.host_newer.shape[1] - 1
    if m.host_newer[replica, content] >= 0:
        _leave(m, replica, content)
    elif m.replicas[replica].in_host == m.host.blocks_count:
        _leave(m, replica, m.host_newer[replica, end])
    last = m.host_older[replica, end]
    m.host_newer[replica, last] = content
    m.host_older[replica, content] = last
    m.host_newer[replica, content] = end
    m.host_older[replica, end] = content
    m.replicas[replica].in_host += 1


@compiled
def blocks_behind(m: Machine, replica: int, call: int, hits: int, whole: int) -> int:
    """How many blocks of a call, from `hits` on and before `whole`, are in host memory, up to the first that is not."""
    first = m.calls[call].key_at
    at = hits
    while at < whole and m.host_newer[replica, m.keys[first + at]] >= 0:
        at += 1
    return int(at - hits)


@inlined
def _leave(m: Machine, replica: int, content: int) -> None:
    older, newer = m.host_older[replica, content], m.host_newer[replica, content]
    m.host_newer[replica, older] = newer
    m.host_older[replica, newer] = older
    m.host_newer[replica, content] = m.host_older[replica, content] = NOTHING
    m.replicas[replica].in_host -= 1
