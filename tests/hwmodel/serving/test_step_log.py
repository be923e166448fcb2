"""The log of steps against the literal scheduler's steps, and what a window keeps."""

from typing import Any

import numpy as np
import pytest

from hwmodel.serving import StepCost
from hwmodel.serving.engine import EngineCalls, EngineRun, EngineSettings, Policy
from hwmodel.serving.fast import replay_fast
from hwmodel.serving.reference.replay import Replay
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_log import STEP_COLUMNS, StepLog, fresh_log

FOREVER = 2**62
COST = StepCost(
    np.linspace(50.0, 400.0, 64), np.linspace(1.0, 40.0, 12), np.outer(np.arange(1.0, 6), [3, 9]), np.ones((5, 3))
)


def case(seed: int) -> tuple[EngineCalls, EngineSettings, int]:
    """Calls that queue, are interrupted and leave, on one to three replicas."""
    rng = np.random.default_rng(seed)
    size = 40
    never = EngineCalls.of(input_tokens=np.ones(1, dtype=np.int64), output_tokens=np.ones(1, dtype=np.int64)).stop_ns[0]
    calls = EngineCalls.of(
        start_ns=rng.integers(0, 4000, size),
        input_tokens=rng.integers(1, 50, size),
        output_tokens=rng.integers(1, 30, size),
        priority=rng.integers(0, 3, size),
        stop_ns=np.where(rng.random(size) < 0.1, rng.integers(0, 3000, size), never),
    )
    most = int((calls.input_tokens + calls.output_tokens).max())
    settings = EngineSettings(
        blocks_count=-(-most // 4) + int(rng.integers(1, 9)),
        block_tokens=4,
        max_sequences_count=int(rng.integers(1, 9)),
        max_batched_tokens=int(rng.integers(9, 40)),
        policy=tuple(Policy)[int(rng.integers(0, 2))],
    )
    return calls, settings, int(rng.integers(1, 4))


def fast(seed: int, log: StepLog | None) -> EngineRun:
    calls, settings, replicas_count = case(seed)
    return replay_fast(calls, settings, COST, replicas_count=replicas_count, log=log)


def literal_steps(seed: int) -> list[dict[str, int]]:
    """Every step that the literal schedulers begin, as it begins."""
    calls, settings, replicas_count = case(seed)
    found: list[dict[str, int]] = []
    busy = [0] * replicas_count

    def watch(replay: Any, now: int) -> None:
        for number, replica in enumerate(replay.replicas):
            if replica.busy_ns > busy[number]:
                busy[number] = replica.busy_ns
                told = replica.features()._asdict()
                step = {"start_ns": now, "end_ns": replica.step_end_ns, "replica": number, **told}
                found.append({name: int(step[name]) for name in STEP_COLUMNS})

    Replay(calls, settings, lambda features: step_ns(COST, features), replicas_count).run(watch)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_the_log_has_every_step_of_the_literal_scheduler(seed: int) -> None:
    log = fresh_log(20_000, end_ns=FOREVER)
    run = fast(seed, log)
    assert log.is_whole
    assert len(log.steps) == run.steps_count > 20
    assert [dict(zip(STEP_COLUMNS, row, strict=True)) for row in log.steps.tolist()] == literal_steps(seed)


def test_some_of_these_cases_interrupt_calls() -> None:
    assert sum(int(fast(seed, None).times.preemptions_count.sum()) for seed in range(12)) > 20


@pytest.mark.parametrize("seed", range(4))
def test_logging_changes_nothing_and_busy_time_is_the_sum_of_steps(seed: int) -> None:
    log = fresh_log(20_000, end_ns=FOREVER)
    run, plain = fast(seed, log), fast(seed, None)
    assert run.times.last_ns.tolist() == plain.times.last_ns.tolist()
    spent = np.bincount(log.steps[:, 2], weights=log.steps[:, 1] - log.steps[:, 0], minlength=run.busy_ns.size)
    assert spent.tolist() == plain.busy_ns.tolist()


def test_a_window_keeps_the_steps_that_touch_it() -> None:
    whole, part = fresh_log(20_000, end_ns=FOREVER), fresh_log(20_000, start_ns=1000, end_ns=2000)
    fast(3, whole)
    fast(3, part)
    touches = (whole.steps[:, 1] > 1000) & (whole.steps[:, 0] < 2000)
    assert 3 < touches.sum() < len(whole.steps)
    assert part.steps.tolist() == whole.steps[touches].tolist()


def test_a_log_without_room_counts_what_it_could_not_keep() -> None:
    whole, small = fresh_log(20_000, end_ns=FOREVER), fresh_log(5, end_ns=FOREVER)
    fast(3, whole)
    fast(3, small)
    assert not small.is_whole
    assert small.size.tolist() == whole.size.tolist()
    assert small.steps.tolist() == whole.steps[:5].tolist()
