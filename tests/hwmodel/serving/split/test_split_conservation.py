"""Nothing is lost and nothing is there twice: calls, blocks, tokens and bytes, at every moment and at the end."""

from collections import Counter
from dataclasses import replace

import numpy as np

from hwmodel.serving.engine import NEVER, EngineCalls, Outcome, owners_of
from hwmodel.serving.reference.replay import REQUEST
from hwmodel.serving.split import SplitReplay
from hwmodel.serving.split.literal.replay import ARRIVE
from hwmodel.serving.split.literal.schedulers import DecodeScheduler, PrefillScheduler
from hwmodel.serving.split.paged.replay import run_machine
from hwmodel.serving.split.paged.state import Machine, first_events, machine_of, pools_of
from hwmodel.serving.split.sending import sending_ns
from tests.hwmodel.serving.split.split_cases import SplitCase, random_case, served_compiled, served_literally

MOMENTS_SEEDS = range(2000, 2030)
ENDS_SEEDS = range(3000, 3060)


def endless(seed: int) -> SplitCase:
    """A random case without a horizon."""
    case = random_case(seed, most_calls=60)
    split = case.settings
    return replace(
        case,
        settings=replace(
            split,
            prefill=replace(split.prefill, horizon_ns=NEVER),
            decode=replace(split.decode, horizon_ns=NEVER),
        ),
    )


def roomy(seed: int) -> SplitCase:
    """One in which nobody is ever interrupted."""
    case = endless(seed)
    split = case.settings
    return replace(
        case,
        settings=replace(
            split,
            prefill=replace(split.prefill, blocks_count=50_000),
            decode=replace(split.decode, blocks_count=50_000),
        ),
    )


def test_blocks_calls_and_transfers_are_conserved_at_every_moment() -> None:
    looked_at = 0

    def look(replay: SplitReplay, now: int) -> None:
        nonlocal looked_at
        looked_at += 1
        for prefill in replay.prefills:
            check_blocks(prefill)
        for decode in replay.decodes:
            check_blocks(decode)
        check_places(replay)
        check_travel(replay, now)

    for seed in MOMENTS_SEEDS:
        served_literally(random_case(seed, most_calls=60), look)
    assert looked_at > 5000


def check_blocks(replica: PrefillScheduler | DecodeScheduler) -> None:
    """Each block is free or in a table, as often as it has users; each content that can be found is in one block."""
    resting = replica.held if isinstance(replica, PrefillScheduler) else [*replica.incoming, *replica.arrived]
    tables = [b for request in (*replica.running, *resting) for b in (*request.blocks, *request.state_blocks)]
    pool, users = replica.pool, Counter(block.number for block in tables)
    assert users.keys() | pool._free.keys() == set(range(replica.settings.blocks_count))
    assert len(users) + pool.free_count == replica.settings.blocks_count
    assert {block.number: block.users for block in tables} == users
    every = {block.number: block for block in (*tables, *pool._free.values())}
    assert {block.key: block for block in every.values() if block.key is not None} == pool._by_key
    assert len(replica.running) <= replica.settings.max_sequences_count
    assert sum(share.tokens for share in replica.shares) <= replica.settings.max_batched_tokens
    assert all(request.blocks == [] for request in replica.waiting)


def check_places(replay: SplitReplay) -> None:
    """A call that is open is on the way or behind another, or in one place of the pool whose turn it is."""
    on_the_way = Counter(number for _, number, kind in replay.events if kind == REQUEST)
    before: Counter[int] = Counter()
    held: Counter[int] = Counter()
    behind: Counter[int] = Counter()
    for prefill in replay.prefills:
        before.update(r.number for r in (*prefill.waiting, *prefill.running))
        held.update(r.number for r in prefill.held)
    for decode in replay.decodes:
        queues = (*decode.waiting, *decode.incoming, *decode.arrived, *decode.running)
        behind.update(r.number for r in queues)
    for request in replay.requests:
        number = request.number
        ahead = int(replay.calls.after[number])
        waits_for = ahead >= 0 and not replay.requests[ahead].is_over
        if request.is_over:
            assert before[number] + held[number] + behind[number] == 0
        elif replay.arrived_ns[number] >= 0:
            assert (before[number], held[number], behind[number]) == (0, 0, 1)
        else:
            assert before[number] + held[number] + on_the_way[number] + waits_for == 1


def check_travel(replay: SplitReplay, now: int) -> None:
    """Nothing is sent before it is computed; a call is on the link where all is sent and not yet there."""
    arriving = {number for _, number, kind in replay.events if kind == ARRIVE}
    for number, twin in enumerate(replay.twins):
        assert replay.sent_tokens[number] <= replay.ready_tokens[number] <= twin.input_tokens
        is_on_link = replay.room_ns[number] >= 0 and replay.sent_to[number] == twin.input_tokens
        if number in arriving:
            assert is_on_link
            assert replay.arrived_ns[number] < 0
    assert all(time >= now for time, _, _ in replay.events)


def test_every_prompt_token_travels_once_or_was_there_and_every_token_is_computed_once() -> None:
    tokens = 0
    for seed in ENDS_SEEDS:
        case = roomy(seed)
        calls, split = case.calls, case.settings
        told = served_compiled(case)
        over, travels = told.hand_overs, calls.output_tokens > 1
        assert (told.times.outcome == Outcome.DONE).all()
        assert told.times.preemptions_count.sum() == 0
        assert (over.sent_tokens[~travels] == 0).all()
        found = (calls.input_tokens - over.sent_tokens)[travels]
        assert ((found >= 0) & (found % split.prefill.block_tokens == 0)).all()
        computed = calls.input_tokens - told.times.cached_tokens + calls.output_tokens - 1
        assert told.computed_tokens == computed.sum()
        tokens += told.computed_tokens
    assert tokens > 50_000


def test_a_link_carries_no_more_than_its_rate() -> None:
    """Between the first room and the last arrival it has time for all that it sent."""
    sent = 0
    for seed in ENDS_SEEDS:
        case = endless(seed)
        told, link = served_compiled(case), case.settings.link
        over, senders = told.hand_overs, told.times.replica
        for sender in range(case.settings.prefill_count):
            mine = (senders == sender) & (over.arrived_ns >= 0)
            if mine.any():
                span_ns = over.arrived_ns[mine].max() - told.times.scheduled_ns[mine].min() - link.latency_ns
                assert sending_ns(link, int(over.sent_tokens[mine].sum()), 0) <= span_ns
                sent += int(over.sent_tokens[mine].sum())
    assert sent > 20_000


def test_one_call_follows_the_other_in_the_order_of_its_stations() -> None:
    for seed in ENDS_SEEDS:
        told = served_compiled(endless(seed))
        over, times = told.hand_overs, told.times
        mine = over.arrived_ns >= 0
        stations = (times.requested_ns, times.scheduled_ns, times.first_ns, over.arrived_ns, over.decoding_ns)
        ordered = np.stack([*(station[mine] for station in stations), times.last_ns[mine]])
        assert (np.diff(ordered, axis=0) >= 0).all()
        assert (over.room_ns[mine] <= over.arrived_ns[mine]).all()


def test_the_compiled_replay_has_nothing_left_over_at_the_end() -> None:
    for seed in ENDS_SEEDS:
        case = endless(seed)
        machine = finished(case.calls, case)
        engine = case.settings
        blocks = [engine.prefill.blocks_count] * engine.prefill_count + [
            engine.decode.blocks_count
        ] * engine.decode_count
        assert machine.replicas["free_blocks"].tolist() == blocks
        assert not machine.users.any()
        for name in ("running", "load_tokens"):
            assert not machine.replicas[name].any(), name
        for name in ("first_waiting", "last_waiting", "first_arrived", "last_arrived"):
            assert (machine.replicas[name] == -1).all(), name
        assert machine.clock["events_size"][0] == 0
        told = machine.content[machine.content >= 0]
        assert told.size == (machine.found >= 0).sum()


def finished(calls: EngineCalls, case: SplitCase) -> Machine:
    """The whole state at the end."""
    engine = case.settings.prefill
    owners = owners_of(calls, block_tokens=engine.block_tokens, prefix_caching=engine.prefix_caching)
    machine = machine_of(
        calls, owners, pools_of(case.settings), prefill_cost=case.prefill_cost, decode_cost=case.decode_cost
    )
    first_events(machine, calls)
    run_machine(machine)
    return machine
