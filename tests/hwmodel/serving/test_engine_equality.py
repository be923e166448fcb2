"""The fast scheduler against the literal one: every time and count of every call, on traces that force trouble."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.serving.engine import NEVER, EngineRun, Outcome, Policy
from hwmodel.serving.fast import state
from hwmodel.serving.reference import Replay, Scheduler
from tests.hwmodel.serving.engine_cases import (
    EngineCase,
    differences,
    most_blocks,
    random_case,
    served_fast,
    served_literally,
)

SEEDS = range(300)


@given(seed=st.integers(1000, 10**9))
@settings(max_examples=100)
def test_both_schedulers_agree_on_any_trace(seed: int) -> None:
    case = random_case(seed, most_calls=60)
    assert differences(served_literally(case), served_fast(case)) == []


def test_both_schedulers_agree_on_300_traces_that_force_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()
    mismatches = {}
    count_yields(monkeypatch, seen)
    for seed in SEEDS:
        case = random_case(seed)
        literal = served_literally(case, lambda replay, _: seen.update(stalled=stalled_now(replay)))
        mismatches[seed] = differences(literal, served_fast(case))
        seen.update(forced(case, literal))
    assert {seed: names for seed, names in mismatches.items() if names} == {}
    assert min(seen.values()) >= 10, seen
    assert len(seen) == 23, seen


def test_they_agree_where_most_calls_that_may_leave_find_no_room_to_wait_beside_the_heap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state, "MOST_WATCHED", 3)
    cases = (random_case(seed) for seed in range(3000, 3060))
    assert [names for case in cases if (names := differences(served_literally(case), served_fast(case)))] == []


def count_yields(monkeypatch: pytest.MonkeyPatch, seen: Counter[str]) -> None:
    plain = Scheduler._yield_to_urgent

    def counted(scheduler: Scheduler) -> None:
        before = len(scheduler.running)
        plain(scheduler)
        seen.update(yielded=before - len(scheduler.running))

    monkeypatch.setattr(Scheduler, "_yield_to_urgent", counted)


def stalled_now(replay: Replay) -> int:
    """Decoding calls that a step under way leaves out: priority found its victim before it came to them."""
    count = 0
    for replica in replay.replicas:
        served = {share.request.number for share in replica.shares}
        left_out = [r for r in replica.running if r.is_decoding and r.number not in served]
        count += len(left_out) if replica.shares else 0
    return count


def forced(case: EngineCase, run: EngineRun) -> dict[str, int]:
    """How often each kind of trouble came up."""
    calls, times, engine = case.calls, run.times, case.settings
    outcome, ended = times.outcome, times.outcome == Outcome.DONE
    is_scheduled, has_token, alone = times.scheduled_ns >= 0, times.first_ns >= 0, calls.after < 0
    gave_up, stopped = outcome == Outcome.GAVE_UP, outcome == Outcome.STOPPED
    found = times.cached_tokens > np.minimum(calls.loaded_tokens, calls.input_tokens - 1)
    asked = times.requested_ns[times.requested_ns >= 0]
    spare = engine.blocks_count - most_blocks(calls, engine.block_tokens, engine.state_blocks_count)
    counts = {
        "preempted": times.preemptions_count.sum(),
        "preempted_for_priority": times.preemptions_count.sum() * (engine.policy is Policy.PRIORITY),
        "gave_up_in_queue": (gave_up & ~is_scheduled).sum(),
        "gave_up_in_prefill": (gave_up & is_scheduled).sum(),
        "stopped_in_queue": (stopped & ~is_scheduled).sum(),
        "stopped_in_decode": (stopped & has_token).sum(),
        "retried": (alone & (times.requested_ns > calls.start_ns)).sum(),
        "retried_with_success": (alone & ended & (times.requested_ns > calls.start_ns)).sum(),
        "followed": (~alone & (times.requested_ns >= 0)).sum(),
        "never_asked": (outcome == Outcome.NOT_REQUESTED).sum(),
        "found_parent_s_prefix": (found & (calls.parent >= 0)).sum(),
        "found_system_prompt": (found & (calls.parent < 0)).sum(),
        "loaded": (is_scheduled & (calls.loaded_tokens > 0)).sum(),
        "one_token_prompts": (ended & (calls.input_tokens == 1)).sum(),
        "one_token_answers": (ended & (calls.output_tokens == 1)).sum(),
        "tied": asked.size - np.unique(asked).size,
        "refused": (outcome == Outcome.REFUSED).sum(),
        "barely_enough_blocks": spare in {0, 1},
        "several_replicas": np.unique(times.replica[times.replica >= 0]).size > 1,
        "state_blocks": engine.state_blocks_count > 0,
        "cut_by_the_horizon": (outcome == Outcome.OPEN).sum() * (engine.horizon_ns < NEVER),
    }
    return {name: int(count) for name, count in counts.items()}
