"""What holds in every replay: nothing is lost, nobody overtakes, and queues obey their laws."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.serving import ReplayDemand, Scheduler, replay
from hwmodel.serving.engine import Outcome
from hwmodel.serving.replay import engine_settings
from tests.hwmodel.serving.chips import tables_of
from tests.hwmodel.serving.replay_cases import (
    Case,
    constant_cost,
    demand_from,
    demand_of,
    random_case,
    random_cost,
    random_demand,
    replica_of,
    run_after,
)

SEEDS = st.integers(0, 10**9)


def finished_case(seed: int) -> Case:
    """A random case that runs to its end."""
    case = random_case(seed)
    return replace(case, scheduler=replace(case.scheduler, grace_s=10.0))


def larger_case(seed: int) -> Case:
    """Hundreds of calls on a few replicas, under pressure."""
    rng = np.random.default_rng(seed)
    demand = random_demand(rng, calls_count=300)
    largest = int((demand.input_tokens + demand.output_tokens).max())
    return Case(
        demand=demand,
        replica=replica_of(random_cost(rng), capacity_tokens=2 * largest, state_tokens=2),
        replicas_count=3,
        scheduler=Scheduler(max_sequences_count=6, max_batched_tokens=40, grace_s=10.0),
    )


def roomy(case: Case) -> Case:
    """The same case with room for everything, so that nobody is interrupted."""
    return replace(case, replica=replace(case.replica, capacity_tokens=1_000_000))


def fits(case: Case) -> np.ndarray:
    engine = engine_settings(case.demand, case.replica, case.scheduler)
    held = case.demand.input_tokens + case.demand.output_tokens - 1
    return np.asarray(-(-held // engine.block_tokens) + engine.state_blocks_count <= engine.blocks_count)


@given(seed=SEEDS)
def test_every_call_that_fits_ends_and_every_other_is_refused(seed: int) -> None:
    case = finished_case(seed)
    times = run_after(case)[0].times
    assert (times.requested_ns >= 0).all()
    assert times.outcome.tolist() == np.where(fits(case), Outcome.DONE, Outcome.REFUSED).tolist()


@given(seed=SEEDS)
def test_times_of_a_call_stand_in_order(seed: int) -> None:
    case = random_case(seed)
    times = run_after(case)[0].times
    is_done = times.outcome == Outcome.DONE
    requested, scheduled, first, last = (
        getattr(times, name)[is_done] for name in ("requested_ns", "scheduled_ns", "first_ns", "last_ns")
    )
    assert (requested <= scheduled).all()
    assert (scheduled < first).all()
    assert (first <= last).all()
    assert ((first == last) == (case.demand.output_tokens[is_done] == 1)).all()


@given(seed=SEEDS)
def test_with_room_for_all_every_token_is_computed_once_or_was_cached(seed: int) -> None:
    case = roomy(finished_case(seed))
    run, bins = run_after(case, counting=True)
    prompt, decoded = case.demand.input_tokens, case.demand.output_tokens - 1
    assert (run.times.outcome == Outcome.DONE).all()
    assert bins.sums[:, 1].sum() == (prompt - run.times.cached_tokens).sum()
    assert bins.sums[:, 3].sum() == decoded.sum()
    assert bins.sums[:, 4].sum() == (prompt * decoded + decoded * (decoded - 1) // 2).sum()


@given(seed=SEEDS)
def test_steps_add_up_to_what_was_computed_with_what_was_computed_again(seed: int) -> None:
    case = finished_case(seed)
    run, bins = run_after(case, counting=True)
    is_done = run.times.outcome == Outcome.DONE
    once = (case.demand.input_tokens + case.demand.output_tokens - 1 - run.times.cached_tokens)[is_done].sum()
    assert bins.sums[:, 1].sum() + bins.sums[:, 3].sum() == run.computed_tokens >= once
    assert bins.sums[:, 0].sum() == run.busy_ns.sum()
    assert bins.steps.sum() == run.steps_count
    if run.times.preemptions_count.sum() == 0:
        assert run.computed_tokens == once


@given(seed=SEEDS)
@settings(max_examples=10)
def test_interrupted_calls_take_more_computing_than_the_same_calls_with_room(seed: int) -> None:
    case = larger_case(seed)
    tight, wide = run_after(case)[0], run_after(roomy(case))[0]
    assert tight.times.preemptions_count.sum() > 0
    assert wide.times.preemptions_count.sum() == 0
    assert tight.computed_tokens > wide.computed_tokens


@given(seed=SEEDS)
@settings(max_examples=10)
def test_nobody_is_overtaken_by_a_later_call_of_the_same_or_a_worse_tier(seed: int) -> None:
    case = larger_case(seed)
    run, _ = run_after(case)
    assert (run.times.outcome == Outcome.DONE).all()
    overtakers = 0
    for here in np.unique(run.times.replica):
        at = run.times.replica == here
        requested, scheduled, tier = run.times.requested_ns[at], run.times.scheduled_ns[at], case.demand.tier[at]
        is_later = requested[None, :] > requested[:, None]
        is_before = scheduled[None, :] < scheduled[:, None]
        is_more_urgent = tier[None, :] < tier[:, None]
        assert not (is_later & is_before & ~is_more_urgent).any()
        overtakers += int((is_later & is_before).sum())
    assert overtakers > 0


@given(seed=SEEDS)
def test_sessions_keep_their_gaps_to_the_nanosecond(seed: int) -> None:
    case = finished_case(seed)
    times, after = run_after(case)[0].times, case.demand.after
    follows = after >= 0
    ended = times.last_ns[after]
    assert (times.requested_ns[follows] == (ended + case.demand.gap_ns)[follows]).all()
    assert (times.requested_ns[~follows] == case.demand.start_ns[~follows]).all()


def test_little_s_law_holds_over_a_long_run() -> None:
    """Mean calls in the system, looked at when nobody chose the time, are calls a second times mean stay."""
    demand = poisson_demand(np.random.default_rng(4), 20_000, calls_per_s=8.0)
    replica = tables_of("gpt-oss-120b").replica(0)
    result = replay(demand, replica, replicas_count=1, scheduler=Scheduler())
    assert np.isfinite(result.duration_s).all()
    requested, ended = np.sort(result.requested_s), np.sort(result.requested_s + result.duration_s)
    at = np.random.default_rng(5).uniform(requested[0], ended[-1], 200_000)
    in_system = np.searchsorted(requested, at) - np.searchsorted(ended, at)
    assert in_system.mean() == pytest.approx(len(demand) / result.span_s * result.duration_s.mean(), rel=0.01)
    assert in_system.mean() > 5.0


def test_decoding_sequences_of_the_steps_are_the_time_that_calls_spend_decoding() -> None:
    """With steps of one length, sequence-steps times that length are the calls' time after their first tokens."""
    demand = poisson_demand(np.random.default_rng(7), 5_000, calls_per_s=8.0)
    replica = replica_of(constant_cost(8e6))
    case = Case(demand=demand, replica=replica, replicas_count=2, scheduler=Scheduler())
    run, bins = run_after(case, counting=True)
    assert bins.sums[:, 3].sum() * 8e6 == (run.times.last_ns - run.times.first_ns).sum() > 0


def poisson_demand(rng: np.random.Generator, calls_count: int, *, calls_per_s: float) -> ReplayDemand:
    gaps_ns = rng.exponential(1e9 / calls_per_s, calls_count)
    return demand_from(
        {
            "start_ns": np.cumsum(gaps_ns),
            "input_tokens": rng.integers(100, 3000, calls_count),
            "output_tokens": rng.integers(1, 300, calls_count),
        }
    )


@pytest.mark.parametrize("utilisation", [0.3, 0.6, 0.8])
def test_calls_served_one_at_a_time_wait_as_pollaczek_and_khinchine_say(utilisation: float) -> None:
    """M/D/1: mean wait is utilisation x service / (2 (1 - utilisation))."""
    service_ns, calls_count = 3 * 1000, 200_000
    rng = np.random.default_rng(6)
    starts = np.cumsum(rng.exponential(service_ns / utilisation, calls_count)).astype(np.int64)
    demand = demand_from({"start_ns": starts, "output_tokens": np.full(calls_count, 3)})
    result = replay(
        demand,
        replica_of(constant_cost(1000.0)),
        replicas_count=1,
        scheduler=Scheduler(max_sequences_count=1),
    )
    expected_s = utilisation * service_ns / (2.0 * (1.0 - utilisation)) / 1e9
    assert result.queued_s.mean() == pytest.approx(expected_s, rel=0.04)
    assert result.busy_s / result.span_s == pytest.approx(utilisation, rel=0.01)


@given(
    input_tokens=st.integers(2, 20_000),
    share=st.floats(0.0, 1.0),
    output_tokens=st.integers(1, 50),
)
def test_a_kept_prefix_never_makes_a_call_slower_on_an_idle_replica(
    input_tokens: int, share: float, output_tokens: int
) -> None:
    shared = int(share * input_tokens)
    demand = demand_of(
        {"input_tokens": max(shared, 1), "output_tokens": 1},
        {
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "after": 0,
            "parent": 0,
            "shared_tokens": shared,
            "gap_ns": 10**9,
        },
    )
    replica = tables_of("gpt-oss-120b").replica(0)
    kept, computed = (
        replay(demand, replica, replicas_count=1, scheduler=Scheduler(prefix_caching=caching))
        for caching in (True, False)
    )
    assert kept.cached_tokens[1] == min(shared, input_tokens - 1) // 16 * 16
    assert kept.ttft_s[1] <= computed.ttft_s[1] * 1.0001
    assert kept.duration_s[1] <= computed.duration_s[1] * 1.0001
    if shared > 4096:
        assert kept.ttft_s[1] < computed.ttft_s[1]


def test_late_and_never_done_calls_are_not_met() -> None:
    demand = demand_of(
        {"input_tokens": 10, "output_tokens": 3},
        {"input_tokens": 10, "output_tokens": 3, "ttft_limit_s": 9e-6},
        {"input_tokens": 10, "output_tokens": 3, "tpot_limit_s": 9e-6},
        {"input_tokens": 2_000_000, "output_tokens": 3},
    )
    result = replay(demand, replica_of(constant_cost(10_000.0)), replicas_count=4, scheduler=Scheduler())
    assert result.is_met.tolist() == [True, False, False, False]
    assert np.isnan(result.ttft_s).tolist() == [False, False, False, True]
    np.testing.assert_allclose(result.ttft_s[:3], 10e-6)
    np.testing.assert_allclose(result.tpot_s[:3], 10e-6)
    np.testing.assert_allclose(result.duration_s[:3], 30e-6)


@given(seed=SEEDS)
@settings(max_examples=10)
def test_the_same_demand_gives_the_same_replay(seed: int) -> None:
    case = larger_case(seed)
    first, second = (
        replay(case.demand, case.replica, replicas_count=3, scheduler=case.scheduler, counting=counting)
        for counting in (True, False)
    )
    for field in fields(first):
        if field.name != "bins":
            np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))
