"""A tier of cache in host memory: by hand, against the literal rule, and against the engine without one."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.serving.engine import NEVER, EngineSettings, Outcome, owners_of
from hwmodel.serving.errors import BadCalls, BadSettings
from hwmodel.serving.fast import replay_fast
from hwmodel.serving.reference.replay import REQUEST
from hwmodel.serving.split import NO_HOST, HostedReplay, HostLink, HostTier
from hwmodel.serving.split.paged.replay import run_machine
from hwmodel.serving.split.paged.state import first_events, machine_of, one_pool
from tests.hwmodel.serving import engine_cases
from tests.hwmodel.serving.engine_cases import calls_of
from tests.hwmodel.serving.split.host_cases import (
    HostCase,
    Serve,
    by_both,
    differences,
    random_case,
    served,
    served_compiled,
    served_literally,
)
from tests.hwmodel.serving.split.split_cases import small

FIVE_NS = HostTier(blocks_count=100, ns_per_block=5.0, latency_ns=3)
FIRST = {"output_tokens": 4}
EVICTS = {"start_ns": 100, "input_tokens": 16, "output_tokens": 1}
COMES_BACK = {"start_ns": 200, "parent": 0, "shared_tokens": 8, "input_tokens": 12, "output_tokens": 1}
ROWS = (FIRST, EVICTS, COMES_BACK)
"""On 4 blocks of 4 tokens: the second call takes all of them, so the third finds nothing of its prefix on the device."""


@by_both
def test_a_prefix_that_left_the_device_is_loaded_before_the_call_is_scheduled(serve: Serve) -> None:
    """Two blocks at 5 ns and 3 of latency: ready at 213; then the last block is computed in a step."""
    run = served(serve, *ROWS, host=FIVE_NS, blocks_count=4)
    assert (run.times.scheduled_ns[2], run.times.first_ns[2]) == (213, 223)
    assert run.times.cached_tokens.tolist() == run.host_tokens.tolist() == [0, 0, 8]
    assert (run.loaded_blocks.tolist(), run.computed_tokens) == ([0, 0, 2], 8 + 3 + 16 + 4)


@by_both
def test_what_is_on_the_device_is_not_loaded(serve: Serve) -> None:
    run = served(serve, *ROWS, host=FIVE_NS, blocks_count=100)
    assert (run.times.first_ns[2], run.times.cached_tokens[2], run.host_tokens[2]) == (210, 8, 0)


@by_both
def test_host_memory_forgets_what_was_used_least_recently(serve: Serve) -> None:
    """The second call's four blocks push out the first call's two where host memory holds four."""
    assert served(serve, *ROWS, host=FIVE_NS._replace(blocks_count=4), blocks_count=4).host_tokens[2] == 0
    assert served(serve, *ROWS, host=FIVE_NS._replace(blocks_count=6), blocks_count=4).host_tokens[2] == 8
    assert served(serve, *ROWS, host=FIVE_NS._replace(blocks_count=5), blocks_count=4).host_tokens[2] == 0


@by_both
def test_others_go_on_while_a_call_loads(serve: Serve) -> None:
    """There is one place, and the loading call does not take it."""
    passes = {"start_ns": 201, "input_tokens": 4, "output_tokens": 1}
    run = served(serve, *ROWS, passes, host=FIVE_NS, blocks_count=4, max_sequences_count=1)
    assert (run.times.first_ns[3], run.times.first_ns[2]) == (211, 223)


@by_both
def test_loads_of_a_replica_go_one_after_the_other(serve: Serve) -> None:
    """Both ask at 200; 10 ns each, and 3 of latency: the second is ready at 223, in the middle of the first's step."""
    far = FIVE_NS._replace(ns_per_block=10.0)
    other = {"start_ns": 0, "output_tokens": 4}
    evicts = EVICTS | {"input_tokens": 24}
    both = (COMES_BACK, COMES_BACK | {"parent": 1})
    run = served(serve, FIRST, other, evicts, *both, host=far, blocks_count=6, max_batched_tokens=32)
    assert run.times.scheduled_ns[3:].tolist() == [223, 243]


@by_both
def test_an_interrupted_call_loads_what_it_had_computed(serve: Serve) -> None:
    """Both want a third block at 30; the second gives way, and its first block comes from the device or the host."""
    rows = ({"input_tokens": 7}, {"input_tokens": 7}, {"start_ns": 31, "input_tokens": 4, "output_tokens": 1})
    run = served(serve, *rows, host=FIVE_NS, blocks_count=5)
    assert run.times.preemptions_count.tolist() == [0, 1, 0]
    assert (run.times.outcome == Outcome.DONE).all()


def test_a_tier_is_told_in_bytes_and_seconds() -> None:
    link = HostLink(capacity_bytes=1e12, bytes_per_s=64e9, latency_s=2e-5)
    assert link.tier(kv_bytes_per_token=163_840.0, block_tokens=16) == HostTier(381_469, 40_960.0, 20_000)
    with pytest.raises(BadSettings, match="0 bytes/s"):
        HostLink(capacity_bytes=1.0, bytes_per_s=0, latency_s=0.0)


def test_who_may_leave_or_yield_is_refused() -> None:
    with pytest.raises(BadCalls, match="call 0 may leave"):
        served_compiled(HostCase(calls=calls_of({"stop_ns": 5}), settings=small(), host=FIVE_NS))
    with pytest.raises(BadSettings, match="reserve_full_prompt False"):
        served_compiled(HostCase(calls=calls_of({}), settings=small(reserve_full_prompt=False), host=FIVE_NS))


@given(seed=st.integers(1000, 10**9))
@settings(max_examples=40)
def test_both_replays_agree_on_any_trace(seed: int) -> None:
    case = random_case(seed, most_calls=50)
    assert differences(served_literally(case), served_compiled(case)) == []


def test_both_replays_agree_on_100_traces_that_force_loads() -> None:
    seen: Counter[str] = Counter()
    mismatches = {}
    for seed in range(100):
        case = random_case(seed)
        literal = served_literally(case)
        mismatches[seed] = differences(literal, served_compiled(case))
        seen["loaded"] += int((literal.host_tokens > 0).sum())
        seen["loaded_beside_the_device"] += int(
            ((literal.host_tokens > 0) & (literal.times.cached_tokens > literal.host_tokens)).sum()
        )
        again = literal.loaded_blocks * case.settings.block_tokens > literal.host_tokens
        seen["loaded_after_preemption"] += int(again.sum())
        seen["preempted"] += int(literal.times.preemptions_count.sum())
        seen["refused"] += int((literal.times.outcome == Outcome.REFUSED).sum())
    assert {seed: names for seed, names in mismatches.items() if names} == {}
    assert min(seen.values()) >= 10, seen


@pytest.mark.parametrize("seed", range(60))
def test_without_host_memory_it_is_the_engine_as_it_was(seed: int) -> None:
    case = replace(random_case(seed), host=NO_HOST)
    as_it_was = replay_fast(case.calls, case.settings, case.cost, replicas_count=case.replicas_count)
    assert engine_cases.differences(served_compiled(case), as_it_was) == []


def test_blocks_and_host_memory_are_conserved_at_every_moment() -> None:
    looked_at = 0

    def look(replay: HostedReplay, now: int) -> None:
        nonlocal looked_at
        looked_at += 1
        here: Counter[int] = Counter()
        for replica in replay.hosted:
            pool, resting = replica.pool, [*replica.incoming, *replica.arrived]
            tables = [b for r in (*replica.running, *resting) for b in (*r.blocks, *r.state_blocks)]
            users = Counter(block.number for block in tables)
            assert len(users) + pool.free_count == replica.settings.blocks_count
            assert {block.number: block.users for block in tables} == users
            assert len(pool.host) <= replay.host.blocks_count
            here.update(r.number for r in (*replica.waiting, *replica.running, *resting))
        on_the_way = Counter(number for _, number, kind in replay.events if kind == REQUEST)
        for request in replay.requests:
            ahead = int(replay.calls.after[request.number])
            waits_for = ahead >= 0 and not replay.requests[ahead].is_over
            there = here[request.number] + on_the_way[request.number] + waits_for
            assert there == (0 if request.is_over else 1)
        assert all(time >= now for time, _, _ in replay.events)

    for seed in range(2000, 2025):
        served_literally(random_case(seed, most_calls=60), look)
    assert looked_at > 5000


def test_every_token_is_computed_once_or_was_cached_on_the_device_or_the_host() -> None:
    loaded = 0
    for seed in range(3000, 3060):
        case = endless(seed)
        roomy = replace(case, settings=replace(case.settings, max_sequences_count=2, max_batched_tokens=100))
        run = served_compiled(roomy)
        kept = (run.times.outcome == Outcome.DONE) & (run.times.preemptions_count == 0)
        if kept.all():
            held = case.calls.input_tokens + case.calls.output_tokens - 1
            assert run.computed_tokens == (held - run.times.cached_tokens).sum()
            assert np.array_equal(run.loaded_blocks * case.settings.block_tokens, run.host_tokens)
            assert (run.host_tokens <= run.times.cached_tokens).all()
            loaded += int(run.host_tokens.sum())
    assert loaded > 100


def endless(seed: int) -> HostCase:
    case = random_case(seed, most_calls=60)
    return replace(case, settings=replace(case.settings, horizon_ns=NEVER))


def test_the_compiled_replay_has_nothing_left_over_at_the_end() -> None:
    for seed in range(3000, 3040):
        case = endless(seed)
        engine: EngineSettings = case.settings
        owners = owners_of(case.calls, block_tokens=engine.block_tokens, prefix_caching=engine.prefix_caching)
        pools = one_pool(engine, case.replicas_count, case.host)
        machine = machine_of(case.calls, owners, pools, prefill_cost=case.cost, decode_cost=case.cost)
        first_events(machine, case.calls)
        run_machine(machine)
        assert (machine.replicas["free_blocks"] == engine.blocks_count).all()
        assert not machine.users.any()
        assert not machine.replicas["load_tokens"].any()
        in_host = (machine.host_newer[:, :-1] >= 0).sum(axis=1)
        assert in_host.tolist() == machine.replicas["in_host"].tolist()
        assert (in_host <= case.host.blocks_count).all()
