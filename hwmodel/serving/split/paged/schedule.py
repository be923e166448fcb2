"""The step rule of one replica, part by part."""

from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.split.paged import host, pool, queues
from hwmodel.serving.split.paged.state import Machine
from hwmodel.serving.step_features import StepFeatures


@compiled
def schedule(m: Machine, replica: int, now: int) -> None:
    """Make the next step of a replica: each running part's `share` of it, and who is given room."""
    m.clock[0].given_size = 0
    preempted, budget = _schedule_running(m, replica)
    for at in range(m.replicas[replica].running):
        part = m.running[replica, at]
        if m.parts[part].share > 0:
            pool.advance(m, replica, part)
    if preempted:
        return
    budget = _admit_arrived(m, replica, now, budget)
    _admit_waiting(m, replica, now, budget)


@compiled
def features(m: Machine, replica: int) -> StepFeatures:
    """What the step under way computes; nothing emits or computes where there is none."""
    chunk_tokens, chunk_squares, prompt_count, prompt_context, prompt_kv = 0, 0, 0, 0, 0
    emitting, decoding, decode_kv, longest_kv = 0, 0, 0, 0
    for at in range(m.replicas[replica].running):
        part = m.running[replica, at]
        share, computed = m.parts[part].share, m.parts[part].computed_tokens
        if share == 0:
            continue
        emitting += computed == pool.tokens_of(m, part)
        if m.parts[part].is_decoding:
            decoding += 1
            decode_kv += computed - 1
            longest_kv = max(longest_kv, computed - 1)
            continue
        chunk_tokens += share
        chunk_squares += share * share
        prompt_count += 1
        prompt_context += share * (computed - share)
        prompt_kv += computed
    return StepFeatures(
        chunk_tokens,
        chunk_squares,
        prompt_count,
        prompt_context,
        prompt_kv,
        emitting,
        decoding,
        decode_kv,
        longest_kv,
        0,
    )


@compiled
def _schedule_running(m: Machine, replica: int) -> tuple[bool, int]:
    budget, at, preempted = m.replicas[replica].max_batched_tokens, 0, False
    while at < m.replicas[replica].running and budget > 0:
        part = m.running[replica, at]
        chunk = min(pool.tokens_of(m, part) - m.parts[part].computed_tokens, budget)
        need = pool.blocks_of(m, m.parts[part].computed_tokens + chunk) - m.parts[part].blocks
        while need > m.replicas[replica].free_blocks:
            victim = queues.victim_of(m, replica)
            if m.parts[victim].share > 0:
                budget += m.parts[victim].share
                at -= 1
            _preempt(m, replica, victim)
            preempted = True
            if victim == part:
                return True, budget
        pool.grow(m, replica, part, need)
        m.parts[part].share = chunk
        budget -= chunk
        at += 1
    return preempted, budget


@compiled
def _preempt(m: Machine, replica: int, part: int) -> None:
    m.parts[part].share = 0
    queues.stop_running(m, replica, part)
    pool.release(m, replica, part)
    m.parts[part].preemptions_count += 1
    queues.enqueue(m, replica, part, in_front=True)


@inlined
def _admit_arrived(m: Machine, replica: int, now: int, budget: int) -> int:
    """Calls whose cache has come decode from their first step on, or go on behind what was loaded."""
    while (
        m.replicas[replica].first_arrived >= 0
        and budget > 0
        and m.replicas[replica].running < m.replicas[replica].max_sequences
    ):
        part = queues.next_of(m, m.replicas[replica].first_arrived)
        queues.leave_arrived(m, replica, part)
        if m.limits.decode_count > 0:
            m.parts[part].computed_tokens = m.parts[part].input_tokens
            m.parts[part].is_decoding = 1
        else:
            m.parts[part].computed_tokens = m.parts[part].found_tokens
        if m.parts[part].scheduled_ns < 0:
            m.parts[part].scheduled_ns = now
            if m.limits.decode_count == 0:
                m.parts[part].cached_tokens = m.parts[part].found_tokens
                m.calls[part].host_tokens = m.calls[part].from_host * m.limits.block_tokens
        m.parts[part].share = min(pool.tokens_of(m, part) - m.parts[part].computed_tokens, budget)
        queues.start_running(m, replica, part)
        pool.advance(m, replica, part)
        budget -= m.parts[part].share
    return budget


@inlined
def _from_host(m: Machine, replica: int, part: int, hits: int, computed: int) -> int:
    """Blocks in host memory right behind those on the device, where they spare computing."""
    if m.host.blocks_count == 0 or not m.limits.caching:
        return 0
    whole = (pool.tokens_of(m, part) - 1) // m.limits.block_tokens
    count = host.blocks_behind(m, replica, part, hits, whole)
    return count if (hits + count) * m.limits.block_tokens > computed else 0


@compiled
def _begin_load(m: Machine, replica: int, part: int, hits: int, from_host: int) -> None:
    """The call waits for blocks from host memory, and counts among those given room."""
    first = m.calls[part].key_at
    for at in range(hits, hits + from_host):
        host.use(m, replica, m.keys[first + at])
    m.parts[part].found_tokens = (hits + from_host) * m.limits.block_tokens
    m.calls[part].from_host = from_host
    m.given[m.clock[0].given_size] = part
    m.clock[0].given_size += 1


@inlined
def _admit_waiting(m: Machine, replica: int, now: int, budget: int) -> None:
    while (
        m.replicas[replica].first_waiting >= 0
        and budget > 0
        and m.replicas[replica].running < m.replicas[replica].max_sequences
    ):
        part = queues.next_of(m, m.replicas[replica].first_waiting)
        tokens = pool.tokens_of(m, part)
        hits, idle = pool.found_blocks(m, replica, part)
        need = pool.blocks_of(m, tokens) - hits + pool.state_blocks_of(m, replica) + idle
        if need > m.replicas[replica].free_blocks:
            return
        computed = max(hits * m.limits.block_tokens, m.parts[part].loaded_tokens)
        from_host = _from_host(m, replica, part, hits, computed)
        queues.dequeue(m, replica, part)
        pool.hold(m, replica, part, hits)
        if from_host > 0:
            pool.grow(m, replica, part, pool.blocks_of(m, tokens) - hits)
            _begin_load(m, replica, part, hits, from_host)
            continue
        if part >= m.limits.calls_count and m.parts[part].scheduled_ns < 0:
            pool.grow(m, replica, part, pool.blocks_of(m, tokens) - hits)
            m.parts[part].cached_tokens = computed
            m.given[m.clock[0].given_size] = part - m.limits.calls_count
            m.clock[0].given_size += 1
            continue
        chunk = min(tokens - computed, budget)
        pool.grow(m, replica, part, pool.blocks_of(m, computed + chunk) - hits)
        m.parts[part].computed_tokens = computed
        if m.parts[part].scheduled_ns < 0:
            m.parts[part].scheduled_ns = now
            m.parts[part].cached_tokens = computed
        m.parts[part].share = chunk
        queues.start_running(m, replica, part)
        pool.advance(m, replica, part)
        budget -= chunk
