"""Hand-overs worked out by hand, told by both replays alike; steps of 10 ns."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.serving.engine import EngineCalls, EngineSettings, Outcome, Router
from hwmodel.serving.errors import BadCalls, BadSettings
from hwmodel.serving.fast import replay_fast
from hwmodel.serving.split import LinkTimes, SplitSettings, link_times
from tests.hwmodel.serving.engine_cases import calls_of, random_calls, toy_cost
from tests.hwmodel.serving.split.split_cases import (
    FREE_LINK,
    Serve,
    SplitCase,
    by_both,
    patient,
    served,
    served_compiled,
    small,
)

TWO_NS = LinkTimes(ns_per_token=2.0, ns_per_sequence=0.0, latency_ns=3, overlap=False, layers=2)
ALONG = TWO_NS._replace(overlap=True)


@by_both
def test_a_call_alone_is_prefilled_sent_and_decoded(serve: Serve) -> None:
    """8 tokens in a step of 10; 16 ns on the link and 3 of latency; 3 more tokens."""
    run = served(serve, {}, link=TWO_NS)
    over, times = run.hand_overs, run.times
    assert (times.first_ns.tolist(), times.last_ns.tolist()) == ([10], [59])
    assert (over.room_ns.tolist(), over.arrived_ns.tolist(), over.decoding_ns.tolist()) == ([10], [29], [29])
    assert (over.sent_tokens.tolist(), run.busy_ns.tolist(), run.computed_tokens) == ([8], [10, 30], 11)


@by_both
def test_what_a_replica_sends_goes_out_one_after_the_other(serve: Serve) -> None:
    """Both prompts end at 10; the second waits for 16 ns of the first. With two senders neither waits."""
    assert served(serve, {}, {}, link=TWO_NS).hand_overs.arrived_ns.tolist() == [29, 45]
    assert served(serve, {}, {}, link=TWO_NS, counts=(2, 1)).hand_overs.arrived_ns.tolist() == [29, 29]


@by_both
def test_layers_travel_while_the_next_ones_are_computed(serve: Serve) -> None:
    """Room at 0; the first of two layers is there at 5: 5 + 16 = 21, later than the last layer, 10 + 8; then 3."""
    run = served(serve, {}, link=ALONG)
    assert (run.hand_overs.room_ns.tolist(), run.hand_overs.arrived_ns.tolist()) == ([0], [24])


@by_both
def test_a_fast_link_sends_all_but_the_last_layer_along_with_the_step(serve: Serve) -> None:
    """4 ns for 8 tokens; the first layer is gone at 7, the last one takes 2 ns from 10 on."""
    fast = ALONG._replace(ns_per_token=0.5, latency_ns=0)
    assert served(serve, {}, link=fast).hand_overs.arrived_ns.tolist() == [12]


@by_both
def test_chunks_travel_along_with_their_steps(serve: Serve) -> None:
    """Steps of 16, 16 and 8 tokens end at 10, 20, 30; sent at 1 ns a token: 5 to 21, 21 to 37, 37 to 45."""
    link = ALONG._replace(ns_per_token=1.0, latency_ns=0)
    run = served(serve, {"input_tokens": 40}, link=link)
    assert (run.times.first_ns.tolist(), run.hand_overs.arrived_ns.tolist()) == ([30], [45])


@by_both
def test_prefill_blocks_are_held_until_the_cache_has_arrived(serve: Serve) -> None:
    """Room for one prompt: the second is admitted when the first has arrived, at 29, and ends its prompt at 39."""
    run = served(serve, {}, {}, link=TWO_NS, prefill={"blocks_count": 3})
    assert (run.times.scheduled_ns.tolist(), run.times.first_ns.tolist()) == ([0, 29], [10, 39])


@by_both
def test_a_call_waits_for_blocks_of_the_decode_replica(serve: Serve) -> None:
    """3 blocks hold one call of 8 + 4 tokens: the second has room when the first ends, at 59, and is sent then."""
    run = served(serve, {}, {}, link=TWO_NS, decode={"blocks_count": 3})
    assert (run.times.last_ns[0], run.hand_overs.room_ns.tolist()) == (59, [10, 59])
    assert run.hand_overs.arrived_ns.tolist() == [29, 59 + 19]


@by_both
def test_a_call_interrupted_on_the_decode_replica_is_computed_again_there(serve: Serve) -> None:
    """Two calls of 7 + 4 tokens want 3 blocks each of 5: at their third step the second gives way.

    The first ends at 40. The second then computes 7 + 2 tokens again, its first block of 4 being still there.
    """
    rows = ({"input_tokens": 7}, {"input_tokens": 7})
    run = served(serve, *rows, decode={"blocks_count": 5})
    assert run.times.preemptions_count.tolist() == [0, 1]
    assert (run.times.first_ns.tolist(), run.times.last_ns.tolist()) == ([10, 10], [40, 60])


@by_both
def test_what_the_decode_replica_still_holds_does_not_travel_twice(serve: Serve) -> None:
    """The second turn has 20 tokens, of which 12 were prompt or answer of the first: 3 whole blocks less one token."""
    follower = {"after": 0, "parent": 0, "shared_tokens": 12, "input_tokens": 20}
    run = served(serve, {}, follower, link=TWO_NS)
    assert run.times.cached_tokens.tolist() == [0, 8]
    assert run.hand_overs.sent_tokens.tolist() == [8, 12]
    assert served(serve, {}, follower, link=TWO_NS, prefix_caching=False).hand_overs.sent_tokens.tolist() == [8, 20]


@by_both
def test_an_answer_of_one_token_never_travels(serve: Serve) -> None:
    run = served(serve, {"output_tokens": 1}, {"after": 0, "start_ns": 0}, link=TWO_NS)
    assert run.times.outcome.tolist() == [Outcome.DONE, Outcome.DONE]
    assert run.hand_overs.room_ns.tolist()[0] == -1
    assert run.times.requested_ns.tolist() == [0, 10]


@by_both
def test_who_fits_one_side_only_is_refused_and_the_session_goes_on(serve: Serve) -> None:
    run = served(serve, {"output_tokens": 100}, {"after": 0}, decode={"blocks_count": 5})
    assert run.times.outcome.tolist() == [Outcome.REFUSED, Outcome.DONE]


@by_both
def test_calls_with_their_cache_go_before_those_that_wait(serve: Serve) -> None:
    """One place: the second call's cache comes while the first decodes; the third has no room before both end."""
    run = served(serve, {}, {}, {}, decode={"max_sequences_count": 1}, link=TWO_NS)
    assert run.hand_overs.decoding_ns.tolist() == [29, 59, 89]


def test_users_who_may_leave_are_refused() -> None:
    settings = SplitSettings(prefill=small(), decode=small(), prefill_count=1, decode_count=1, link=FREE_LINK)
    with pytest.raises(BadCalls, match="call 1 may leave"):
        served_compiled(SplitCase(calls=calls_of({}, {"patience_ns": 5}), settings=settings))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"block_tokens": 8}, "block_tokens is 4"),
        ({"reserve_full_prompt": False}, "reserve_full_prompt False"),
    ],
)
def test_pools_that_cannot_hand_over_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        SplitSettings(prefill=small(), decode=small(**change), prefill_count=1, decode_count=1, link=FREE_LINK)
    with pytest.raises(BadSettings, match="decode_count is 0"):
        SplitSettings(prefill=small(), decode=small(), prefill_count=1, decode_count=0, link=FREE_LINK)


def test_a_link_is_told_in_bytes_and_seconds() -> None:
    link = link_times(bytes_per_s=50e9, latency_s=1e-5, kv_bytes_per_token=163_840.0, state_bytes=5e9, layers=80)
    assert link == LinkTimes(163_840.0 / 50.0, 1e8, 10_000, overlap=False, layers=80)
    assert link_times(bytes_per_s=float("inf"), latency_s=0.0, kv_bytes_per_token=1e6) == FREE_LINK
    with pytest.raises(BadSettings, match="0 bytes/s"):
        link_times(bytes_per_s=0, latency_s=0.0, kv_bytes_per_token=1.0)


def answers(calls: EngineCalls, tokens: int) -> EngineCalls:
    return replace(calls, output_tokens=np.full(len(calls), tokens, dtype=np.int64))


@pytest.mark.parametrize("seed", range(20))
def test_with_answers_of_one_token_the_prefill_pool_is_an_engine_of_its_own(seed: int) -> None:
    """Nothing travels: every time and count is that of the fast scheduler on as many replicas."""
    rng = np.random.default_rng(seed)
    calls, cost = answers(patient(random_calls(rng, 60, 10**6)), 1), toy_cost(100, 1)
    pool = small(blocks_count=60, router=Router(seed % 3))
    split = SplitSettings(prefill=pool, decode=small(), prefill_count=1 + seed % 2, decode_count=1, link=FREE_LINK)
    run = served_compiled(SplitCase(calls=calls, settings=split, prefill_cost=cost))
    alone = replay_fast(calls, pool, cost, replicas_count=split.prefill_count)
    for name in ("first_ns", "last_ns", "scheduled_ns", "cached_tokens", "replica", "outcome", "preemptions_count"):
        assert np.array_equal(getattr(run.times, name), getattr(alone.times, name)), name
    assert (run.steps_count, run.computed_tokens) == (alone.steps_count, alone.computed_tokens)


@pytest.mark.parametrize("seed", range(20))
def test_calls_that_never_meet_are_served_as_by_one_engine_where_the_link_is_free(seed: int) -> None:
    """One at a time, without a shared prefix: where it is computed makes no difference."""
    rng = np.random.default_rng(seed)
    size = 30
    calls = EngineCalls.of(
        start_ns=np.arange(size) * 10**9,
        input_tokens=rng.integers(1, 60, size),
        output_tokens=rng.integers(1, 40, size),
    )
    cost, engine = toy_cost(100, 1), small()
    split = SplitSettings(prefill=engine, decode=engine, prefill_count=1, decode_count=1, link=FREE_LINK)
    run = served_compiled(SplitCase(calls=calls, settings=split, prefill_cost=cost, decode_cost=cost))
    whole = replay_fast(calls, engine, cost)
    assert np.array_equal(run.times.first_ns, whole.times.first_ns)
    assert np.array_equal(run.times.last_ns, whole.times.last_ns)
    assert (run.steps_count, run.busy_ns.sum()) == (whole.steps_count, whole.busy_ns.sum())


def test_prompts_never_hold_up_those_who_decode() -> None:
    """A long prompt beside a decoding call: 10 ns a token on its own replica, more where both share one."""
    rows = ({"output_tokens": 50}, {"input_tokens": 300, "start_ns": 50})
    cost, engine = toy_cost(10, 1), EngineSettings(blocks_count=200, block_tokens=4, max_sequences_count=4)
    split = SplitSettings(prefill=engine, decode=engine, prefill_count=1, decode_count=1, link=FREE_LINK)
    calls = calls_of(*rows)
    apart = served_compiled(SplitCase(calls=calls, settings=split, prefill_cost=cost, decode_cost=cost))
    alone = served_compiled(SplitCase(calls=calls_of(rows[0]), settings=split, prefill_cost=cost, decode_cost=cost))
    together = replay_fast(calls, engine, cost)
    assert apart.times.tpot_s[0] == alone.times.tpot_s[0]
    assert together.times.tpot_s[0] > 2 * apart.times.tpot_s[0]


def test_a_link_that_is_too_narrow_sets_the_pace() -> None:
    """Sent back to back from the first prompt's end on: the k-th of n equal prompts arrives after k transfers."""
    link = LinkTimes(ns_per_token=100.0, ns_per_sequence=50.0, latency_ns=7, overlap=False, layers=1)
    run = served(served_compiled, *(12 * [{}]), link=link, blocks_count=1000, max_sequences_count=16)
    assert sorted(run.hand_overs.arrived_ns.tolist()) == [10 + 850 * (k + 1) + 7 for k in range(12)]
