"""Nothing is lost and nothing is there twice: blocks, contents, calls and tokens, at every moment and at the end."""

from collections import Counter
from dataclasses import replace

import numpy as np

from hwmodel.serving.engine import NEVER, EngineCalls, Outcome
from hwmodel.serving.fast.queue import free_blocks_told
from hwmodel.serving.fast.records import AWAY, IDLE_NS
from hwmodel.serving.reference import Replay, Scheduler
from hwmodel.serving.reference.replay import REQUEST
from tests.hwmodel.serving.engine_cases import (
    EngineCase,
    machine_after,
    random_case,
    served_fast,
    served_literally,
)

MOMENTS_SEEDS = range(2000, 2040)
ENDS_SEEDS = range(3000, 3060)


def endless(seed: int) -> EngineCase:
    """A random case without a horizon."""
    case = random_case(seed, most_calls=60)
    return replace(case, settings=replace(case.settings, horizon_ns=NEVER))


def patient(seed: int) -> EngineCase:
    """One in which, besides, nobody leaves."""
    case = endless(seed)
    columns = {name: getattr(case.calls, name) for name in EngineCalls.__slots__}
    never = dict.fromkeys(("patience_ns", "stop_ns"), 0 * case.calls.start_ns + NEVER)
    return replace(case, calls=EngineCalls(**(columns | never)))


def test_blocks_contents_and_calls_are_conserved_at_every_moment() -> None:
    looked_at = 0

    def look(replay: Replay, now: int) -> None:
        nonlocal looked_at
        looked_at += 1
        for replica in replay.replicas:
            check_blocks(replica)
            check_limits(replica)
        check_places(replay, now)

    for seed in MOMENTS_SEEDS:
        served_literally(random_case(seed, most_calls=60), look)
    assert looked_at > 5000


def check_blocks(replica: Scheduler) -> None:
    """Each block is free or in a table, as often as it has users; each content is in one block, and found."""
    pool = replica.pool
    tables = [block for request in replica.running for block in (*request.blocks, *request.state_blocks)]
    users = Counter(block.number for block in tables)
    assert users.keys() | pool._free.keys() == set(range(replica.settings.blocks_count))
    assert len(users) + pool.free_count == replica.settings.blocks_count
    assert {block.number: block.users for block in tables} == users
    assert all(block.users == 0 for block in pool._free.values())
    every = {block.number: block for block in (*tables, *pool._free.values())}
    assert {block.key: block for block in every.values() if block.key is not None} == pool._by_key
    assert sum(block.key is not None for block in every.values()) == len(pool._by_key)


def check_limits(replica: Scheduler) -> None:
    """A step keeps to its budget, a replica to its places, and a table holds what is computed and no block more."""
    settings = replica.settings
    assert len(replica.running) <= settings.max_sequences_count
    assert sum(share.tokens for share in replica.shares) <= settings.max_batched_tokens
    for request in replica.running:
        assert len(request.blocks) == -(-request.computed_tokens // settings.block_tokens)
        assert request.computed_tokens <= request.tokens
    for request in replica.waiting:
        assert request.blocks == request.state_blocks == []
        assert request.computed_tokens == 0


def check_places(replay: Replay, now: int) -> None:
    """Every call is over, on the way, behind another one, or on its replica: one of these."""
    on_the_way = Counter(number for _, number, kind in replay.events if kind == REQUEST)
    here = Counter(request.number for replica in replay.replicas for request in (*replica.waiting, *replica.running))
    for request in replay.requests:
        before = int(replay.calls.after[request.number])
        ahead = replay.requests[before] if before >= 0 else None
        is_behind = ahead is not None and (not ahead.is_over or ahead.outcome is Outcome.GAVE_UP)
        if request.is_over:
            assert here[request.number] == 0
            assert request.last_ns <= now
        else:
            assert here[request.number] + on_the_way[request.number] + is_behind == 1
    assert all(request in replay.replicas[request.replica].running + replay.replicas[request.replica].waiting
               for request in replay.requests if here[request.number])  # fmt: skip


def test_where_nobody_is_interrupted_every_token_is_computed_once_or_was_cached() -> None:
    tokens = 0
    for seed in ENDS_SEEDS:
        case = patient(seed)
        roomy = replace(case, settings=replace(case.settings, blocks_count=100_000, yielding_priority=0))
        run = served_fast(roomy)
        assert (run.times.outcome == Outcome.DONE).all()
        assert run.times.preemptions_count.sum() == 0
        held = case.calls.input_tokens + case.calls.output_tokens - 1
        assert run.computed_tokens == (held - run.times.cached_tokens).sum()
        tokens += run.computed_tokens
    assert tokens > 50_000


def test_interruptions_add_just_the_tokens_that_are_not_found_again() -> None:
    again = 0
    for seed in ENDS_SEEDS:
        case, ledger = patient(seed), Lost()
        run = served_literally(case, ledger.look)
        done = run.times.outcome == Outcome.DONE
        assert (done | (run.times.outcome == Outcome.REFUSED)).all()
        held = case.calls.input_tokens + case.calls.output_tokens - 1
        assert run.computed_tokens == (held - run.times.cached_tokens)[done].sum() + ledger.tokens
        again += ledger.tokens
    assert again > 1000


class Lost:
    """Watches what interrupted calls had computed, and what of it they find again."""

    def __init__(self) -> None:
        self.tokens = 0
        self.computed: dict[int, int] = {}
        self.preemptions: Counter[int] = Counter()

    def look(self, replay: Replay, _: int) -> None:
        for replica in replay.replicas:
            parts = {share.request.number: share.tokens for share in replica.shares}
            for request in replica.running:
                number = request.number
                if request.preemptions_count > self.preemptions[number]:
                    self.tokens += self.computed.get(number, 0) - (request.computed_tokens - parts[number])
                    self.preemptions[number] = request.preemptions_count
                self.computed[number] = request.computed_tokens


def test_the_fast_scheduler_has_nothing_left_over_at_the_end() -> None:
    for seed in ENDS_SEEDS:
        machine = machine_after(endless(seed))
        replicas, blocks_count = machine.replicas, machine.limits.blocks_count
        assert (replicas["free_blocks"] == blocks_count).all()
        assert {free_blocks_told(machine.segments, int(first)) for first in replicas["oldest"]} == {blocks_count}
        for name in ("load_tokens", "running", "waiting", "decoding", "base_sum"):
            assert not replicas[name].any(), name
        for array in (machine.phases, machine.shared_runs["uses"], machine.decoding_of, machine.base_of):
            assert not array.any()
        for empty in ("first_running", "last_running", "first_waiting", "last_waiting", "partial"):
            assert (replicas[empty] == -1).all(), empty
        assert (machine.wheel == -1).all()
        assert (machine.step_end_ns == IDLE_NS).all()
        assert machine.clock["events_size"][0] == 0
        assert (machine.calls["place"] == AWAY).all()
        assert not (machine.calls["outcome"] == Outcome.OPEN).any()


def test_the_record_of_segments_loses_none() -> None:
    """Segments in use and unused ones are all there are, and no run lies in the free queue twice."""
    for seed in ENDS_SEEDS:
        machine = machine_after(endless(seed))
        in_use = [at for first in machine.replicas["oldest"] for at in chain(machine.segments["newer"], int(first))]
        unused = chain(machine.segments["newer"], int(machine.clock["free_segment"][0]))
        assert sorted([*in_use, *unused]) == list(range(machine.segments.size))
        runs = [int(run) for run in machine.segments["run"][in_use] if 0 <= run < machine.calls.size]
        assert len(runs) == len(set(runs))
        assert all(machine.segments["count"][in_use] > 0)


def chain(following: np.ndarray, first: int) -> list[int]:
    """Numbers from `first` on, each followed by the next."""
    numbers = []
    while first >= 0:
        numbers.append(first)
        first = int(following[first])
    return numbers
