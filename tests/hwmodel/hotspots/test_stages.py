"""Where the users of a replay wait: planted queues, long prompts and long answers."""

import numpy as np
import pytest

from hwmodel.hotspots import StageShares, stage_shares
from hwmodel.serving import ReplayDemand, Scheduler, replay
from tests.hwmodel.serving.replay_cases import constant_cost, demand_from, replica_of

STEP_NS = 1e6


def shares_of(demand: ReplayDemand, *, max_sequences_count: int = 8) -> StageShares:
    scheduler = Scheduler(max_sequences_count=max_sequences_count, max_batched_tokens=100)
    result = replay(demand, replica_of(constant_cost(STEP_NS)), replicas_count=1, scheduler=scheduler)
    return stage_shares(result, np.ones(len(demand), dtype=bool))


def at_once(count: int, *, input_tokens: int, output_tokens: int) -> ReplayDemand:
    alike = np.ones(count)
    return demand_from(
        {"start_ns": 0 * alike, "input_tokens": input_tokens * alike, "output_tokens": output_tokens * alike}
    )


def test_calls_behind_each_other_wait_in_the_queue() -> None:
    """Ten calls of ten steps, one at a time: the queue takes 0 + 10 + ... + 90 of the 10 + 20 + ... + 100 steps."""
    told = shares_of(at_once(10, input_tokens=5, output_tokens=10), max_sequences_count=1)
    assert told.queue_ratio == pytest.approx(450 / 550)
    assert told.prompt_ratio == pytest.approx(10 / 550)
    assert told.answer_ratio == pytest.approx(90 / 550)


def test_a_long_prompt_takes_the_time_before_the_first_token() -> None:
    """900 tokens in chunks of 100, then one more token."""
    told = shares_of(at_once(1, input_tokens=900, output_tokens=2))
    assert told.queue_ratio == 0.0
    assert told.prompt_ratio == pytest.approx(0.9)


def test_a_long_answer_takes_the_time_after_it() -> None:
    told = shares_of(at_once(1, input_tokens=10, output_tokens=100))
    assert told.answer_ratio == pytest.approx(0.99)


def test_without_calls_there_are_no_shares() -> None:
    demand = at_once(2, input_tokens=5, output_tokens=5)
    result = replay(demand, replica_of(constant_cost(STEP_NS)), replicas_count=1, scheduler=Scheduler())
    assert np.isnan(stage_shares(result, np.zeros(2, dtype=bool)).queue_ratio)
