"""Blocks of the compiled replay, one by one: the free queue in order of eviction, and contents found by number."""

from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.split.paged import host
from hwmodel.serving.split.paged.records import COPY, NOTHING
from hwmodel.serving.split.paged.state import Machine


@inlined
def blocks_of(m: Machine, tokens: int) -> int:
    """Blocks that hold this many tokens."""
    return -(-tokens // m.limits.block_tokens)


@inlined
def tokens_of(m: Machine, part: int) -> int:
    """Prompt and what was generated."""
    return int(m.parts[part].input_tokens + m.parts[part].generated_tokens)


@inlined
def state_blocks_of(m: Machine, replica: int) -> int:
    """Blocks that the fixed state of a sequence takes on a replica."""
    return int(m.limits.prefill_state_blocks if replica < m.limits.prefill_count else m.limits.decode_state_blocks)


@compiled
def found_blocks(m: Machine, replica: int, part: int) -> tuple[int, int]:
    """Blocks from a part's first one on that can be found; and how many of these are in the free queue."""
    if not m.limits.caching:
        return 0, 0
    first = m.calls[part % m.limits.calls_count].key_at
    whole = (tokens_of(m, part) - 1) // m.limits.block_tokens
    idle = 0
    for at in range(whole):
        block = m.found[replica, m.keys[first + at]]
        if block < 0:
            return at, idle
        idle += m.users[replica, block] == 0
    return whole, idle


@compiled
def hold(m: Machine, replica: int, part: int, hits: int) -> None:
    """Take the blocks that were found into use, and those of the fixed state after them."""
    first, at_table = m.calls[part % m.limits.calls_count].key_at, m.parts[part].table_at
    for at in range(hits):
        block = m.found[replica, m.keys[first + at]]
        if m.users[replica, block] == 0:
            _unlink(m, replica, block)
        m.users[replica, block] += 1
        m.table[at_table + at] = block
    m.parts[part].blocks = m.parts[part].kept = hits
    for at in range(state_blocks_of(m, replica)):
        m.table[m.parts[part].state_at + at] = _oldest(m, replica)


@inlined
def grow(m: Machine, replica: int, part: int, count: int) -> None:
    """Append blocks from the front of the free queue."""
    for _ in range(count):
        m.table[m.parts[part].table_at + m.parts[part].blocks] = _oldest(m, replica)
        m.parts[part].blocks += 1


@inlined
def advance(m: Machine, replica: int, part: int) -> None:
    """Count a part's share of the step as computed."""
    m.parts[part].computed_tokens += m.parts[part].share
    tell(m, replica, part, m.parts[part].computed_tokens // m.limits.block_tokens)


@inlined
def tell(m: Machine, replica: int, part: int, whole: int) -> None:
    """The first blocks are full: their contents can be found from now on, unless other blocks already tell them."""
    if not m.limits.caching:
        return
    for at in range(m.parts[part].kept, whole):
        block = m.table[m.parts[part].table_at + at]
        content = m.keys[m.calls[part % m.limits.calls_count].key_at + at]
        if m.content[replica, block] == NOTHING:
            if m.found[replica, content] >= 0:
                m.content[replica, block] = COPY
            else:
                m.content[replica, block] = content
                m.found[replica, content] = block
                if m.host.blocks_count > 0:
                    host.use(m, replica, content)
    m.parts[part].kept = max(m.parts[part].kept, whole)


@compiled
def release(m: Machine, replica: int, part: int) -> None:
    """Give a part's blocks back, the fixed state's first and the prompt's first one last."""
    for at in range(state_blocks_of(m, replica) - 1, -1, -1):
        _give(m, replica, m.table[m.parts[part].state_at + at])
    for at in range(m.parts[part].blocks - 1, -1, -1):
        _give(m, replica, m.table[m.parts[part].table_at + at])
    m.parts[part].blocks = m.parts[part].kept = m.parts[part].computed_tokens = m.parts[part].is_decoding = 0


@inlined
def _oldest(m: Machine, replica: int) -> int:
    """The block at the front of the free queue; what it held is forgotten."""
    block = m.newer[replica, m.users.shape[1]]
    _unlink(m, replica, block)
    if m.content[replica, block] >= 0:
        m.found[replica, m.content[replica, block]] = NOTHING
    m.content[replica, block] = NOTHING
    m.users[replica, block] = 1
    return int(block)


@inlined
def _unlink(m: Machine, replica: int, block: int) -> None:
    older, newer = m.older[replica, block], m.newer[replica, block]
    m.newer[replica, older] = newer
    m.older[replica, newer] = older
    m.replicas[replica].free_blocks -= 1


@inlined
def _give(m: Machine, replica: int, block: int) -> None:
    m.users[replica, block] -= 1
    if m.users[replica, block] > 0:
        return
    end = m.users.shape[1]
    last = m.older[replica, end]
    m.newer[replica, last] = block
    m.older[replica, block] = last
    m.newer[replica, block] = end
    m.older[replica, end] = block
    m.replicas[replica].free_blocks += 1
