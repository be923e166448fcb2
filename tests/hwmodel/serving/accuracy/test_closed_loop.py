"""A closed loop against what its arithmetic says."""

import numpy as np
import pytest

from hwmodel.serving import DoesNotFit, Replica
from hwmodel.serving.accuracy.closed_loop import ClosedLoop, closed_loop_calls, run_closed_loop
from hwmodel.serving.accuracy.deployed import ENGINE
from hwmodel.serving.step_cost import StepCost

STEP_NS = 10_000_000.0


def even_replica(capacity_tokens: int = 1_000_000) -> Replica:
    """Every step takes the same time, whatever is in it."""
    nothing = np.zeros((16, 16))
    dense = np.full(ENGINE.max_batched_tokens + ENGINE.max_sequences_count + 1, STEP_NS)
    cost = StepCost(dense, np.zeros(2 * ENGINE.max_sequences_count + 1), nothing, nothing)
    return Replica(cost=cost, capacity_tokens=capacity_tokens, state_tokens=0, chips_count=1)


def test_each_user_asks_again_after_the_own_last_answer() -> None:
    calls = closed_loop_calls(ClosedLoop(concurrency=3, input_tokens=8, output_tokens=8), rounds_count=3)
    assert calls.after.tolist() == [-1, -1, -1, 0, 1, 2, 3, 4, 5]


def test_lengths_are_spread_over_their_range_and_average_to_its_middle() -> None:
    loop = ClosedLoop(concurrency=64, input_tokens=1000, output_tokens=2000, least_length_ratio=0.8)
    calls = closed_loop_calls(loop)
    assert calls.input_tokens.min() >= 800
    assert calls.input_tokens.max() <= 1000
    assert calls.input_tokens.mean() == pytest.approx(900, rel=0.01)
    assert calls.output_tokens.mean() == pytest.approx(1800, rel=0.01)


def test_steps_of_equal_length_give_that_time_per_token_and_to_the_first_token() -> None:
    loop = ClosedLoop(concurrency=4, input_tokens=100, output_tokens=50)
    times = run_closed_loop(loop, even_replica(), ENGINE)
    assert times.tpot_s == pytest.approx(STEP_NS / 1e9)
    assert times.later_ttft_s == pytest.approx(STEP_NS / 1e9)
    assert times.output_tokens_per_s == pytest.approx(4 / (STEP_NS / 1e9))


def test_users_that_start_together_wait_for_each_other_in_the_first_round_only() -> None:
    loop = ClosedLoop(concurrency=8, input_tokens=ENGINE.max_batched_tokens // 2, output_tokens=400)
    times = run_closed_loop(loop, even_replica(), ENGINE)
    assert times.ttft_s > times.later_ttft_s


def test_a_call_larger_than_the_cache_is_refused() -> None:
    with pytest.raises(DoesNotFit, match="more ranks"):
        run_closed_loop(
            ClosedLoop(concurrency=1, input_tokens=900, output_tokens=200), even_replica(capacity_tokens=1000), ENGINE
        )
