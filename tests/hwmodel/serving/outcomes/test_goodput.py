"""Goodput: the bisection finds a planted rate, on a planted service and on the scheduler; errors say why."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.serving import StepCost
from hwmodel.serving.engine import CallTimes, EngineCalls, EngineRun, EngineSettings, Outcome
from hwmodel.serving.errors import BadLimits, NoGoodput
from hwmodel.serving.fast import replay_fast
from hwmodel.serving.outcomes import CallLimits, at_load, goodput

LIMITS = CallLimits(ttft_s=1.0, tpot_s=1.0)


def calls_of(starts_ns: np.ndarray, *, output_tokens: int = 2) -> EngineCalls:
    size = starts_ns.size
    return EngineCalls.of(
        start_ns=starts_ns.astype(np.int64),
        input_tokens=np.full(size, 10, dtype=np.int64),
        output_tokens=np.full(size, output_tokens, dtype=np.int64),
    )


def even(count: int = 101, gap_ns: int = 10**9) -> EngineCalls:
    """One call a second."""
    return calls_of(np.arange(count) * gap_ns)


def planted(share_at: Callable[[float], float]) -> Callable[[EngineCalls], EngineRun]:
    """A service whose attainment is a law of the rate alone."""

    def serve(calls: EngineCalls) -> EngineRun:
        size = len(calls)
        rate = (size - 1) / float(calls.start_ns.max() - calls.start_ns.min()) * 1e9
        is_late = np.arange(size) >= round(share_at(rate) * size)
        nothing = np.zeros(size, dtype=np.int64)
        first = calls.start_ns + np.where(is_late, 2 * 10**9, 1)
        times = CallTimes(
            requested_ns=calls.start_ns,
            scheduled_ns=calls.start_ns,
            first_ns=first,
            last_ns=first,
            generated_tokens=calls.output_tokens,
            cached_tokens=nothing,
            preemptions_count=nothing,
            replica=nothing,
            outcome=np.full(size, Outcome.DONE, dtype=np.int64),
        )
        return EngineRun(times=times, steps_count=1, busy_ns=nothing, computed_tokens=1)

    return serve


@given(limit=st.floats(0.01, 1000.0))
def test_a_planted_limit_is_found_within_the_tolerance_from_either_side(limit: float) -> None:
    found = goodput(planted(lambda rate: float(rate <= limit)), even(), LIMITS)
    assert found.requests_per_s <= limit * (1 + 1e-6)
    assert found.missed_requests_per_s >= limit * (1 - 1e-6)
    assert found.missed_requests_per_s <= found.requests_per_s * 1.01 * (1 + 1e-9)
    assert (found.attainment_ratio, found.missed_attainment_ratio) == (1.0, 0.0)


@given(target=st.floats(0.05, 0.95))
def test_a_higher_target_is_met_at_no_higher_rate(target: float) -> None:
    serve = planted(lambda rate: 1.0 / (1.0 + rate))
    easy, hard = (goodput(serve, even(), LIMITS, target_ratio=share) for share in (target, min(1.0, target * 1.05)))
    assert hard.requests_per_s <= easy.requests_per_s
    assert easy.attainment_ratio >= target > easy.missed_attainment_ratio


def test_calls_keep_their_order_and_first_arrival_when_the_load_changes() -> None:
    calls = calls_of(np.array([5, 1005, 3005]))
    assert at_load(calls, 2.0).start_ns.tolist() == [5, 505, 1505]
    assert at_load(calls, 0.5).start_ns.tolist() == [5, 2005, 6005]


def test_one_server_of_fixed_time_carries_one_call_per_service_time() -> None:
    """Steps of 0.1 s and calls of two tokens, one at a time: five a second, and at more the line grows for ever."""
    cost = StepCost(np.full(64, 1e8), np.zeros(2), np.zeros((2, 2)), np.zeros((2, 2)))
    engine = EngineSettings(blocks_count=100, max_sequences_count=1, max_batched_tokens=32)
    found = goodput(lambda calls: replay_fast(calls, engine, cost), even(count=2001), CallLimits(ttft_s=0.5, tpot_s=1))
    assert found.requests_per_s == pytest.approx(5.0, rel=0.012)


def test_limits_out_of_reach_and_traces_too_short_are_told() -> None:
    with pytest.raises(NoGoodput, match=r"only 0\.0% of the calls.*out of reach"):
        goodput(planted(lambda rate: 0.0), even(), LIMITS)
    with pytest.raises(NoGoodput, match="take a longer trace or tighter limits"):
        goodput(planted(lambda rate: 1.0), even(gap_ns=10**11), LIMITS)
    with pytest.raises(NoGoodput, match="one moment"):
        goodput(planted(lambda rate: 1.0), calls_of(np.zeros(3)), LIMITS)
    with pytest.raises(BadLimits, match=r"the target is 1\.2"):
        goodput(planted(lambda rate: 1.0), even(), LIMITS, target_ratio=1.2)
