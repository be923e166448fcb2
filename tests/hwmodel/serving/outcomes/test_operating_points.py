"""The closed form of steady service against the scheduler itself under closed-loop load."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.serving import Replica, Scheduler, StepCost
from hwmodel.serving.engine import EngineCalls, EngineSettings
from hwmodel.serving.errors import BadLimits
from hwmodel.serving.fast import replay_fast
from hwmodel.serving.outcomes import OperatingPoint, Workload, operating_points
from tests.hwmodel.serving.chips import tables_of

BOUNDS = Scheduler(max_sequences_count=256, max_batched_tokens=2048, prefix_caching=False)
CHAINED = 12
"""Calls that each user makes one after another."""


def replica() -> Replica:
    return tables_of("gpt-oss-120b").replica(0)


def served(workload: Workload, batch: int, spread_s: float) -> tuple[float, float]:
    """Mean time per further token in the middle of a closed loop, and output tokens per second there.

    Users begin evenly over `spread_s`, so that their prompts do not come together.
    """
    size = batch * CHAINED
    after = np.arange(size) - batch
    run = replay_fast(
        EngineCalls.of(
            start_ns=np.tile(np.arange(batch) * spread_s / batch * 1e9, CHAINED).astype(np.int64),
            after=np.where(after < 0, -1, after),
            input_tokens=np.full(size, workload.input_tokens),
            output_tokens=np.full(size, workload.output_tokens),
        ),
        EngineSettings(blocks_count=10**6, max_sequences_count=256, max_batched_tokens=2048, prefix_caching=False),
        replica().cost,
    )
    middle = slice(4 * batch, (CHAINED - 3) * batch)
    times = run.times
    tpot_s = (times.last_ns - times.first_ns)[middle].mean() / 1e9 / (workload.output_tokens - 1)
    by_round = times.last_ns.reshape(CHAINED, batch) / 1e9
    turn_s = (by_round[-3] - by_round[4]).mean() / (CHAINED - 7)
    return float(tpot_s), float(batch * workload.output_tokens / turn_s)


@pytest.mark.parametrize(
    ("prompt", "answer", "batch"), [(1000, 300, 1), (1000, 500, 16), (5000, 400, 64), (300, 300, 128)]
)
def test_steady_service_is_what_the_scheduler_does(prompt: int, answer: int, batch: int) -> None:
    workload = Workload(input_tokens=prompt, output_tokens=answer)
    (point,) = operating_points(replica(), workload, BOUNDS, [batch])
    turn_s = point.ttft_s + (answer - 1) * point.tpot_s
    tpot_s, tokens_per_s = served(workload, batch, turn_s)
    assert point.tpot_s == pytest.approx(tpot_s, rel=0.03)
    assert point.tokens_per_s == pytest.approx(tokens_per_s, rel=0.05)


def test_little_s_law_holds_in_the_closed_form() -> None:
    workload = Workload(input_tokens=3000, output_tokens=200)
    for point in operating_points(replica(), workload, BOUNDS, range(1, 60)):
        stay_s = point.ttft_s + 199 * point.tpot_s
        assert point.tokens_per_s / 200 * stay_s == pytest.approx(point.batch_count)
        assert point.tokens_per_s_per_chip == point.tokens_per_s / 2
        assert point.tokens_per_s_per_user == 1 / point.tpot_s


def test_larger_batches_serve_more_and_each_user_no_faster() -> None:
    points = operating_points(replica(), Workload(input_tokens=500, output_tokens=500), BOUNDS, [1, 2, 8, 32, 128])
    assert [point.batch_count for point in points] == [1, 2, 8, 32, 128]

    def rises(values: list[float]) -> bool:
        return bool((np.diff(values) > 0).all())

    assert rises([point.tokens_per_s for point in points])
    assert rises([point.tpot_s for point in points])


def test_what_does_not_fit_the_cache_or_waits_for_prompts_is_no_point() -> None:
    def batches(workload: Workload, room: Replica) -> list[int]:
        found: tuple[OperatingPoint, ...] = operating_points(room, workload, BOUNDS, [1, 2, 4, 8, 300])
        return [point.batch_count for point in found]

    short = Workload(input_tokens=100, output_tokens=100)
    assert batches(short, replica()) == [1, 2, 4, 8]
    assert batches(short, replace(replica(), capacity_tokens=801, state_tokens=0)) == [1, 2, 4]
    assert batches(short, replace(replica(), capacity_tokens=801, state_tokens=101)) == [1, 2]
    long_prompts = Workload(input_tokens=4 * 2000, output_tokens=13)
    assert batches(long_prompts, replica()) == [1, 2, 4]


def test_by_hand_on_a_planted_cost() -> None:
    """Steps of 10 ns, plus 1 ns a token: prompts of 8 in chunks of 3, one other call decoding."""
    cost = StepCost(10.0 + np.arange(64), np.zeros(4), np.zeros((2, 2)), np.zeros((2, 2)))
    room = Replica(cost=cost, capacity_tokens=1000, state_tokens=0, chips_count=2)
    bounds = Scheduler(max_sequences_count=2, max_batched_tokens=4)
    (point,) = operating_points(room, Workload(input_tokens=8, output_tokens=11), bounds, [2])
    prompt_ns = 14 + 14 + 13
    per_token_ns = (7 * 12 + prompt_ns) / 10
    assert point.ttft_s == pytest.approx(prompt_ns * 1e-9)
    assert point.tpot_s == pytest.approx(per_token_ns * 1e-9)
    assert point.tokens_per_s_per_chip == pytest.approx(11e9 / (prompt_ns + 10 * per_token_ns))


def test_a_workload_has_a_prompt_and_a_further_token() -> None:
    for prompt, answer in ((0, 5), (5, 1)):
        with pytest.raises(BadLimits, match="give at least 1 and 2"):
            Workload(input_tokens=prompt, output_tokens=answer)
