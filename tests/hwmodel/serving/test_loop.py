"""The compiled loop against the literal one, call by call and nanosecond by nanosecond."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.serving import Scheduler
from tests.hwmodel.serving.literal_replay import LiteralReplay
from tests.hwmodel.serving.replay_cases import (
    Case,
    constant_cost,
    demand_of,
    machine_after,
    random_case,
    replica_of,
)

TIMES = {"requested_ns": "requested", "scheduled_ns": "scheduled", "first_ns": "first", "last_ns": "last"}


@given(seed=st.integers(0, 10**9))
@settings(max_examples=120)
def test_every_call_is_scheduled_answered_and_ended_when_the_literal_rule_says(seed: int) -> None:
    case = random_case(seed)
    machine, steps_count = machine_after(case)
    literal = LiteralReplay(case).run()
    for compiled, told in {**TIMES, "cached_tokens": "cached"}.items():
        assert machine.calls[compiled].tolist() == [getattr(call, told) for call in literal.calls], compiled
    assert steps_count == literal.steps


def test_the_random_traces_force_queues_full_caches_forks_and_unservable_calls() -> None:
    seen = {"queued": 0, "cached": 0, "forked": 0, "unservable": 0, "cut": 0, "one_token": 0, "tied": 0, "evicted": 0}
    for seed in range(60):
        case = random_case(seed)
        machine, _ = machine_after(case)
        calls, demand = machine.calls, case.demand
        seen["queued"] += int((calls["scheduled_ns"] > calls["requested_ns"]).sum())
        seen["cached"] += int((calls["cached_tokens"] > 0).sum())
        seen["forked"] += int(((calls["source_entry"] >= 0) & (calls["source_entry"] != calls["entry"])).sum())
        too_large = calls["input_tokens"] + calls["output_tokens"] + case.replica.state_tokens
        seen["unservable"] += int((too_large > case.replica.capacity_tokens).sum())
        seen["cut"] += int(((calls["requested_ns"] >= 0) & (calls["scheduled_ns"] < 0)).sum())
        seen["one_token"] += int(((calls["output_tokens"] == 1) & (calls["last_ns"] >= 0)).sum())
        seen["tied"] += len(demand) - np.unique(calls["requested_ns"]).size
        lost = (demand.parent >= 0) & (calls["cached_tokens"] == 0) & (demand.shared_tokens > 0)
        seen["evicted"] += int(lost.sum()) if case.scheduler.prefix_caching else 0
    assert min(seen.values()) >= 10, seen


def one_replica(*rows: dict[str, int], scheduler: Scheduler | None = None, capacity_tokens: int = 1000) -> Case:
    return Case(
        demand=demand_of(*rows),
        replica=replica_of(constant_cost(10.0), capacity_tokens=capacity_tokens),
        replicas_count=1,
        scheduler=scheduler or Scheduler(max_sequences_count=4, max_batched_tokens=100),
    )


def test_a_lone_call_takes_one_step_for_its_prompt_and_one_for_each_further_token() -> None:
    machine, steps_count = machine_after(one_replica({"start_ns": 7, "input_tokens": 100, "output_tokens": 5}))
    call = machine.calls[0]
    assert (call["scheduled_ns"], call["first_ns"], call["last_ns"], steps_count) == (7, 17, 57, 5)


def test_a_prompt_over_the_budget_is_cut_into_chunks() -> None:
    machine, _ = machine_after(one_replica({"input_tokens": 201, "output_tokens": 1}))
    assert machine.calls[0]["first_ns"] == 30


def test_decoding_calls_take_their_tokens_out_of_the_budget_first() -> None:
    """The second prompt of 100 meets one decoding call: 99 tokens fit beside it, the last one comes a step later."""
    machine, _ = machine_after(
        one_replica({"input_tokens": 10, "output_tokens": 50}, {"start_ns": 15, "input_tokens": 100})
    )
    assert machine.calls["scheduled_ns"].tolist() == [0, 20]
    assert machine.calls["first_ns"].tolist() == [10, 40]


def test_a_call_waits_while_running_calls_hold_the_cache() -> None:
    machine, _ = machine_after(
        one_replica(
            {"input_tokens": 60, "output_tokens": 10},
            {"input_tokens": 50, "output_tokens": 10, "start_ns": 1},
            capacity_tokens=100,
        )
    )
    assert machine.calls["scheduled_ns"].tolist() == [0, 100]


def test_a_better_tier_is_admitted_before_those_who_came_earlier() -> None:
    machine, _ = machine_after(
        one_replica(
            {"output_tokens": 3},
            {"start_ns": 1, "tier": 2},
            {"start_ns": 2, "tier": 1},
            {"start_ns": 3, "tier": 0},
            scheduler=Scheduler(max_sequences_count=1, max_batched_tokens=100),
        )
    )
    order = np.argsort(machine.calls["scheduled_ns"]).tolist()
    assert order == [0, 3, 2, 1]


@pytest.mark.parametrize("caching", [True, False])
def test_the_next_turn_computes_only_what_is_new_where_prefixes_are_kept(caching: bool) -> None:
    machine, _ = machine_after(
        one_replica(
            {"input_tokens": 300, "output_tokens": 2},
            {"input_tokens": 400, "output_tokens": 1, "after": 0, "parent": 0, "shared_tokens": 302, "gap_ns": 1000},
            scheduler=Scheduler(max_sequences_count=4, max_batched_tokens=100, prefix_caching=caching),
        )
    )
    first, second = machine.calls
    assert first["last_ns"] == 40
    assert second["requested_ns"] == 1040
    assert second["cached_tokens"] == (302 if caching else 0)
    assert second["first_ns"] == 1040 + (10 if caching else 40)


def test_the_oldest_context_leaves_the_cache_first() -> None:
    """Three contexts of 40 in a cache of 100: the third pushes the first out, so only the second is found again."""
    again = {"input_tokens": 35, "output_tokens": 1, "shared_tokens": 35, "gap_ns": 1000}
    machine, _ = machine_after(
        one_replica(
            {"input_tokens": 35},
            {"input_tokens": 35, "start_ns": 200},
            {"input_tokens": 35, "start_ns": 400},
            {**again, "parent": 1, "after": 2},
            {**again, "parent": 0, "after": 3},
            capacity_tokens=100,
        )
    )
    assert machine.calls["cached_tokens"].tolist() == [0, 0, 0, 34, 0]


def test_a_fork_holds_only_what_it_adds() -> None:
    """Three children share their parent's 80 tokens; with whole copies only one of them would fit at a time."""
    child = {"parent": 0, "after": 0, "shared_tokens": 80, "input_tokens": 90, "output_tokens": 5}
    machine, _ = machine_after(
        one_replica({"input_tokens": 80, "output_tokens": 10}, child, child, child, capacity_tokens=130)
    )
    assert machine.calls["reserved_tokens"].tolist() == [90, 95, 15, 15]
    assert machine.calls["scheduled_ns"].tolist() == [0, 100, 110, 110]
    assert machine.calls["last_ns"][1] == 150


def test_calls_that_no_replica_holds_are_never_done_and_do_not_stop_their_session() -> None:
    machine, _ = machine_after(
        one_replica(
            {"input_tokens": 99, "output_tokens": 2}, {"after": 0, "gap_ns": 50, "start_ns": 9}, capacity_tokens=100
        )
    )
    assert machine.calls["last_ns"].tolist()[0] == -1
    assert machine.calls["requested_ns"].tolist() == [0, 50]
    assert machine.calls["last_ns"][1] == 50 + 50


def test_nothing_is_done_after_the_horizon() -> None:
    case = one_replica({"output_tokens": 101}, scheduler=Scheduler(max_sequences_count=4, grace_s=500e-9))
    machine, steps_count = machine_after(case)
    assert steps_count == 50
    assert machine.calls[0]["first_ns"] == 10
    assert machine.calls[0]["last_ns"] == -1
