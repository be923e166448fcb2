"""The compiled replay against the literal one: every time and count of every call, on traces that force trouble."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.serving.engine import NEVER, Outcome, Policy
from hwmodel.serving.split import SplitRun
from tests.hwmodel.serving.split.split_cases import (
    SplitCase,
    differences,
    random_case,
    served_compiled,
    served_literally,
)

SEEDS = range(100)


@given(seed=st.integers(1000, 10**9))
@settings(max_examples=60)
def test_both_replays_agree_on_any_trace(seed: int) -> None:
    case = random_case(seed, most_calls=50)
    assert differences(served_literally(case), served_compiled(case)) == []


def test_both_replays_agree_on_100_traces_that_force_all_there_is() -> None:
    seen: Counter[str] = Counter()
    mismatches = {}
    for seed in SEEDS:
        case = random_case(seed)
        literal = served_literally(case)
        mismatches[seed] = differences(literal, served_compiled(case))
        seen.update(forced(case, literal))
    assert {seed: names for seed, names in mismatches.items() if names} == {}
    assert min(seen.values()) >= 10, seen
    assert len(seen) == 15, seen


def forced(case: SplitCase, run: SplitRun) -> dict[str, int]:
    """How often each kind of trouble came up."""
    calls, times, over, split = case.calls, run.times, run.hand_overs, case.settings
    done, alone = times.outcome == Outcome.DONE, calls.after < 0
    was_sent = over.arrived_ns >= 0
    counts = {
        "preempted": times.preemptions_count.sum(),
        "preempted_for_priority": times.preemptions_count.sum() * (split.decode.policy is Policy.PRIORITY),
        "waited_for_room": (over.room_ns > times.first_ns).sum(),
        "had_room_before_the_prompt_was_done": (was_sent & (over.room_ns < times.first_ns)).sum(),
        "waited_for_a_place": (over.decoding_ns > over.arrived_ns).sum(),
        "found_on_decode_replica": (was_sent & (over.sent_tokens < calls.input_tokens)).sum(),
        "found_on_prefill_replica": (
            times.cached_tokens > np.minimum(calls.loaded_tokens, calls.input_tokens - 1)
        ).sum(),
        "followed": (~alone & (times.requested_ns >= 0)).sum(),
        "one_token_answers": (done & (calls.output_tokens == 1)).sum(),
        "one_token_prompts": (done & (calls.input_tokens == 1)).sum(),
        "refused": (times.outcome == Outcome.REFUSED).sum(),
        "several_prefill_replicas": np.unique(times.replica[times.replica >= 0]).size > 1,
        "several_decode_replicas": np.unique(over.replica[over.replica >= 0]).size > 1,
        "states_sent": was_sent.sum() * (split.link.ns_per_sequence > 0.0),
        "cut_by_the_horizon": (times.outcome == Outcome.OPEN).sum() * (split.prefill.horizon_ns < NEVER),
    }
    return {name: int(count) for name, count in counts.items()}
