"""Speculative decoding: the exact path against the literal one, and both against what can be worked out by hand."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.serving.engine import NEVER, EngineCalls, EngineRun, EngineSettings, Outcome, Speculation, accepted_drafts
from hwmodel.serving.engine.speculation import drawn_ratio
from hwmodel.serving.errors import BadSettings
from hwmodel.serving.reference import Replay
from hwmodel.serving.reference.verifying import VerifyingScheduler
from tests.hwmodel.serving.engine_cases import (
    TEN_NS,
    EngineCase,
    calls_of,
    differences,
    random_case,
    served_fast,
)
from tests.hwmodel.serving.speculation_cases import DraftedCase, drafted_fast, drafted_literally, random_drafted

SEEDS = range(300)
ROOM = EngineSettings(blocks_count=20_000, block_tokens=4, max_sequences_count=64, max_batched_tokens=10**6)
SERVERS: dict[str, Callable[[DraftedCase], EngineRun]] = {"literal": drafted_literally, "fast": drafted_fast}
by_both = pytest.mark.parametrize("serve", SERVERS.values(), ids=SERVERS)


def all_differences(one: EngineRun, other: EngineRun) -> list[str]:
    return differences(one, other) + (["drafts"] if one.drafts != other.drafts else [])


@given(seed=st.integers(1000, 10**9))
@settings(max_examples=60)
def test_both_agree_on_any_trace(seed: int) -> None:
    drafted = random_drafted(seed, most_calls=60)
    assert all_differences(drafted_literally(drafted), drafted_fast(drafted)) == []


def test_both_agree_on_300_traces_that_force_all_there_is() -> None:
    seen: Counter[str] = Counter()
    mismatches = {}
    for seed in SEEDS:
        drafted = random_drafted(seed)
        literal = drafted_literally(drafted, lambda replay, _: seen.update(looked(replay)))
        mismatches[seed] = all_differences(literal, drafted_fast(drafted))
        seen.update(forced(literal))
    assert {seed: names for seed, names in mismatches.items() if names} == {}
    assert len(seen) == 8, seen
    assert min(seen.values()) >= 30, seen


def looked(replay: Replay) -> Counter[str]:
    """What drafts alone bring about, in the steps under way."""
    seen: Counter[str] = Counter()
    for replica in replay.replicas:
        assert isinstance(replica, VerifyingScheduler)
        asked = {share.request.number: share.tokens for share in replica.shares}
        for request in replica.running if replica.shares else ():
            if request.is_decoding and request.number not in asked:
                seen["left out by the budget"] += 1
            elif request.is_decoding and asked[request.number] < replica._asks_for(request):
                seen["drafts cut off"] += 1
            elif not request.is_decoding and request.number not in asked:
                seen["prompt left out"] += 1
    return seen


def forced(run: EngineRun) -> dict[str, int]:
    drafts = run.drafts
    assert drafts is not None
    return {
        "accepted": drafts.accepted_tokens,
        "rejected": drafts.drafted_tokens - drafts.accepted_tokens,
        "interrupted": int(run.times.preemptions_count.sum()),
        "prefix found": int((run.times.cached_tokens > 0).sum()),
        "left": int(np.isin(run.times.outcome, (Outcome.GAVE_UP, Outcome.STOPPED)).sum()),
    }


@by_both
def test_without_drafts_it_is_the_engine_as_it_was(serve: Callable[[DraftedCase], EngineRun]) -> None:
    for seed in range(5000, 5060):
        case = random_case(seed)
        run = serve(DraftedCase(case=case, speculation=Speculation(chances=())))
        assert differences(run, served_fast(case)) == []
        assert run.drafts is not None
        assert run.drafts.drafted_tokens == 0


@by_both
def test_free_drafts_that_are_never_accepted_change_nothing_where_there_is_room(
    serve: Callable[[DraftedCase], EngineRun],
) -> None:
    for seed in range(6000, 6040):
        case = replace(random_case(seed), settings=ROOM)
        case = replace(case, cost=case.cost._replace(weights=case.cost.weights._replace(draft_tokens=0)))
        plain, run = served_fast(case), serve(DraftedCase(case=case, speculation=Speculation(chances=(0.0, 0.0, 0.0))))
        assert run.drafts is not None
        assert differences(run, replace(plain, computed_tokens=run.computed_tokens)) == []
        assert run.computed_tokens >= plain.computed_tokens + run.drafts.drafted_tokens


@by_both
@pytest.mark.parametrize("answer", [1, 2, 3, 4, 5, 8, 9, 10, 33])
def test_drafts_that_are_all_accepted_take_as_few_steps_as_can_be(
    serve: Callable[[DraftedCase], EngineRun], answer: int
) -> None:
    case = EngineCase(calls=calls_of({"input_tokens": 8, "output_tokens": answer}), settings=ROOM)
    run = serve(DraftedCase(case=case, speculation=Speculation(chances=(1.0, 1.0, 1.0))))
    assert run.steps_count == 1 + -(-(answer - 1) // 4)
    assert run.computed_tokens == 8 + answer - 1
    assert run.times.generated_tokens.tolist() == [answer]


@by_both
def test_the_budget_goes_to_drafts_of_older_calls_before_the_tokens_of_newer_ones(
    serve: Callable[[DraftedCase], EngineRun],
) -> None:
    """Two calls, a budget of 5 and 3 drafts: the older computes 4 tokens a step, the newer what is left, 1."""
    tight = EngineSettings(blocks_count=100, block_tokens=4, max_sequences_count=2, max_batched_tokens=5)
    calls = calls_of({"input_tokens": 2, "output_tokens": 9}, {"input_tokens": 3, "output_tokens": 9})
    run = serve(
        DraftedCase(
            case=EngineCase(calls=calls, settings=tight, cost=TEN_NS), speculation=Speculation(chances=(1.0, 1.0, 1.0))
        )
    )
    # prompts at 10 ns; 1 + 4 + 4 tokens of the older by 30; of the newer 1 + 1 + 1, then 4 and 2
    assert run.times.first_ns.tolist() == [10, 10]
    assert run.times.last_ns.tolist() == [30, 50]
    assert run.drafts is not None
    assert (run.drafts.verified_count, run.drafts.drafted_tokens) == (6, 6 + 3 + 1)


@by_both
def test_blocks_of_rejected_drafts_stay_and_are_not_taken_again(serve: Callable[[DraftedCase], EngineRun]) -> None:
    """Three blocks of 4 hold a prompt of 4, one token and its three drafts, and the rest of an answer of 8 as it comes."""
    exact = EngineSettings(blocks_count=3, block_tokens=4, max_sequences_count=1, max_batched_tokens=8)
    case = EngineCase(calls=calls_of({"input_tokens": 4, "output_tokens": 9}), settings=exact, cost=TEN_NS)
    run = serve(DraftedCase(case=case, speculation=Speculation(chances=(0.0, 0.0, 0.0))))
    assert run.times.outcome.tolist() == [Outcome.DONE]
    assert run.times.preemptions_count.tolist() == [0]
    assert run.steps_count == 9
    # three drafts beside each of the first tokens, then as many as the answer has tokens left
    assert run.drafts is not None
    assert run.drafts.drafted_tokens == 5 * 3 + 2 + 1


def test_blocks_and_tokens_are_conserved_at_every_moment() -> None:
    looked_at = 0

    def look(replay: Replay, _: int) -> None:
        nonlocal looked_at
        looked_at += 1
        for replica in replay.replicas:
            engine, pool = replica.settings, replica.pool
            tables = [block for r in replica.running for block in (*r.blocks, *r.state_blocks)]
            users = Counter(block.number for block in tables)
            assert len(users) + pool.free_count == engine.blocks_count
            assert users.keys().isdisjoint(pool._free.keys())
            assert {block.number: block.users for block in tables} == users
            assert sum(share.tokens for share in replica.shares) <= engine.max_batched_tokens
            for request in replica.running:
                assert len(request.blocks) >= -(-request.computed_tokens // engine.block_tokens)
                assert request.computed_tokens < request.input_tokens + request.output_tokens
                kept = [block.key for block in request.blocks if block.key is not None]
                assert len(kept) * engine.block_tokens <= request.tokens
            for request in replica.waiting:
                assert request.blocks == []
                assert request.computed_tokens == 0

    for seed in range(2000, 2040):
        drafted_literally(random_drafted(seed, most_calls=60), look)
    assert looked_at > 5000


def test_every_token_is_computed_once_or_was_cached_or_was_a_rejected_draft() -> None:
    tokens = 0
    for seed in range(3000, 3040):
        drafted = random_drafted(seed, most_calls=60)
        columns = {name: getattr(drafted.case.calls, name) for name in EngineCalls.__slots__}
        never = dict.fromkeys(("patience_ns", "stop_ns"), 0 * drafted.case.calls.start_ns + NEVER)
        calls = EngineCalls(**(columns | never))
        engine = replace(drafted.case.settings, blocks_count=100_000, yielding_priority=0, horizon_ns=NEVER)
        run = drafted_fast(replace(drafted, case=replace(drafted.case, calls=calls, settings=engine)))
        assert (run.times.outcome == Outcome.DONE).all()
        held, drafts = calls.input_tokens + calls.output_tokens - 1, run.drafts
        assert drafts is not None
        assert run.computed_tokens == (
            (held - run.times.cached_tokens).sum() + drafts.drafted_tokens - drafts.accepted_tokens
        )
        assert (calls.output_tokens - 1).sum() == drafts.verified_count + drafts.accepted_tokens
        tokens += run.computed_tokens
    assert tokens > 50_000


@pytest.mark.parametrize("alpha", [0.3, 0.6, 0.8, 0.95])
@pytest.mark.parametrize("drafts", [1, 3, 7])
def test_tokens_per_step_of_the_geometric_law_are_what_leviathan_et_al_derive(alpha: float, drafts: int) -> None:
    """Equation 1 of arXiv 2211.17192: (1 - alpha^(k + 1)) / (1 - alpha), far from the ends of answers."""
    law = Speculation.geometric(alpha, drafts)
    expected = (1.0 - alpha ** (drafts + 1)) / (1.0 - alpha)
    assert law.tokens_per_step == pytest.approx(expected, rel=1e-12)
    case = EngineCase(calls=calls_of(*[{"output_tokens": 4000}] * 16), settings=ROOM)
    run = drafted_fast(DraftedCase(case=case, speculation=law))
    assert run.drafts is not None
    assert run.drafts.tokens_per_step == pytest.approx(expected, rel=0.02)


def test_draws_are_even_and_do_not_hang_together() -> None:
    drawn = np.array([[drawn_ratio(7, call, place) for place in range(200)] for call in range(200)])
    shares = np.histogram(drawn, bins=10, range=(0.0, 1.0))[0] / drawn.size
    assert shares == pytest.approx(np.full(10, 0.1), abs=0.006)
    for one, other in ((drawn[1:], drawn[:-1]), (drawn[:, 1:], drawn[:, :-1])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.02
    assert drawn_ratio(8, 3, 4) != drawn_ratio(7, 3, 4) != drawn_ratio(7, 4, 3)


def test_a_longer_draft_accepts_the_same_first_tokens() -> None:
    law = Speculation(chances=(0.8, 0.6, 0.3, 0.1))
    for place in range(500):
        accepted = [accepted_drafts(law.table, law.seed, 3, place, drafts) for drafts in range(5)]
        assert accepted == [min(accepted[-1], drafts) for drafts in range(5)]


@pytest.mark.parametrize(
    ("chances", "message"), [((0.5, 0.6), "chances cannot grow"), ((1.5,), "0 to 1"), ((-0.1,), "0 to 1")]
)
def test_chances_that_cannot_be_are_refused(chances: tuple[float, ...], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        Speculation(chances=chances)
