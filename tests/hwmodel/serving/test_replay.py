"""What holds in every replay: nothing is lost, nothing overtakes, nothing overflows, and queues obey their laws."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.serving import ReplayDemand, Scheduler, replay
from hwmodel.serving.state import IDLE, Machine
from tests.hwmodel.serving.chips import tables_of
from tests.hwmodel.serving.replay_cases import (
    Case,
    constant_cost,
    demand_from,
    demand_of,
    machine_after,
    random_case,
    random_cost,
    random_demand,
    replica_of,
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


def fits(machine: Machine) -> np.ndarray:
    context = machine.calls["input_tokens"] + machine.calls["output_tokens"] + machine.limits.state_tokens
    return np.asarray(context <= machine.limits.capacity_tokens)


@given(seed=SEEDS)
def test_every_call_that_fits_ends_and_every_other_is_told_as_never_done(seed: int) -> None:
    machine, _ = machine_after(finished_case(seed))
    assert (machine.calls["requested_ns"] >= 0).all()
    assert ((machine.calls["last_ns"] >= 0) == fits(machine)).all()


@given(seed=SEEDS)
def test_times_of_a_call_stand_in_order(seed: int) -> None:
    machine, _ = machine_after(random_case(seed))
    calls = machine.calls[machine.calls["last_ns"] >= 0]
    assert (calls["requested_ns"] <= calls["scheduled_ns"]).all()
    assert (calls["scheduled_ns"] < calls["first_ns"]).all()
    assert (calls["first_ns"] <= calls["last_ns"]).all()
    assert ((calls["first_ns"] == calls["last_ns"]) == (calls["output_tokens"] == 1)).all()


@given(seed=SEEDS)
def test_all_that_calls_took_is_given_back(seed: int) -> None:
    machine, _ = machine_after(finished_case(seed))
    for name in ("used_tokens", "running", "decoding", "kv_tokens", "finish_size"):
        assert not machine.replicas[name].any(), name
    assert (machine.replicas["partial"] == -1).all()
    for array in (machine.load_tokens, machine.decoding_of, machine.kv_of, machine.arriving_size):
        assert not array.any()
    assert (machine.waiting == -1).all()
    idle = machine.entries[machine.entries["status"] == IDLE]
    kept = np.bincount(idle["replica"], weights=idle["held_tokens"], minlength=machine.replicas.size)
    assert machine.replicas["idle_tokens"].tolist() == kept.tolist()
    assert (kept <= machine.limits.capacity_tokens).all()


@given(seed=SEEDS)
def test_every_token_is_computed_once_or_was_cached(seed: int) -> None:
    machine, steps_count = machine_after(finished_case(seed), counting=True)
    done = machine.calls[machine.calls["last_ns"] >= 0]
    assert machine.bins.sums[:, 1].sum() == (done["input_tokens"] - done["cached_tokens"]).sum()
    assert machine.bins.sums[:, 3].sum() == (done["output_tokens"] - 1).sum()
    context_read = (
        done["input_tokens"] * (done["output_tokens"] - 1) + done["output_tokens"] * (done["output_tokens"] - 1) // 2
    )
    assert machine.bins.sums[:, 4].sum() == context_read.sum()
    assert machine.bins.steps.sum() == steps_count


@given(seed=SEEDS)
@settings(max_examples=10)
def test_neither_room_nor_places_of_a_replica_are_ever_exceeded(seed: int) -> None:
    machine, _ = machine_after(larger_case(seed))
    done = machine.calls[machine.calls["last_ns"] >= 0]
    assert done.size > 100
    for replica in range(machine.replicas.size):
        here = done[done["replica"] == replica]
        times = np.concatenate([here["last_ns"], here["scheduled_ns"]])
        tokens = np.concatenate([-here["reserved_tokens"], here["reserved_tokens"]])
        places = np.concatenate([-np.ones(here.size), np.ones(here.size)])
        order = np.argsort(times, kind="stable")  # what ends at a time leaves before what starts then
        assert np.cumsum(tokens[order]).max() <= machine.limits.capacity_tokens
        assert np.cumsum(places[order]).max() <= machine.limits.max_sequences


@given(seed=SEEDS)
@settings(max_examples=10)
def test_nobody_is_overtaken_by_a_later_call_of_the_same_or_a_worse_tier(seed: int) -> None:
    machine, _ = machine_after(larger_case(seed))
    done = machine.calls[machine.calls["last_ns"] >= 0]
    overtakers = 0
    for call in done:
        rivals = done[(done["replica"] == call["replica"]) & (done["tier"] >= call["tier"])]
        later = rivals[rivals["requested_ns"] > call["requested_ns"]]
        assert (later["scheduled_ns"] >= call["scheduled_ns"]).all()
        waited = done[(done["replica"] == call["replica"]) & (done["tier"] < call["tier"])]
        overtakers += int(
            ((waited["requested_ns"] > call["requested_ns"]) & (waited["scheduled_ns"] < call["scheduled_ns"])).sum()
        )
    assert overtakers > 0


@given(seed=SEEDS)
def test_sessions_keep_their_gaps_to_the_nanosecond(seed: int) -> None:
    case = finished_case(seed)
    machine, _ = machine_after(case)
    after = case.demand.after
    ended = machine.calls["last_ns"][after]
    follows = (after >= 0) & (ended >= 0)
    assert (machine.calls["requested_ns"][follows] == (ended + case.demand.gap_ns)[follows]).all()
    alone = after < 0
    assert (machine.calls["requested_ns"][alone] == case.demand.start_ns[alone]).all()


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
    machine, _ = machine_after(case, counting=True)
    decoding_ns = (machine.calls["last_ns"] - machine.calls["first_ns"]).sum()
    assert machine.bins.sums[:, 3].sum() * 8e6 == decoding_ns


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
    assert kept.cached_tokens[1] == min(shared, input_tokens - 1)
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
