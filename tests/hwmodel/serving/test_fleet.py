"""The smallest fleet: found exactly where the answer is planted, and moved the right way by demand, chip and promise."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.serving import (
    Bins,
    EmptyDemand,
    Fleet,
    NoFleet,
    Promises,
    ReplayDemand,
    ReplayResult,
    Replica,
    Scheduler,
    promises_of,
    reachable,
    replay,
    scale_sessions,
    smallest_fleet,
)
from tests.hwmodel.serving.chips import better, h100, replica_on, tables_of
from tests.hwmodel.serving.replay_cases import constant_cost, demand_from, replica_of
from warehouse.contracts import SERVICE_TIERS

SCHEDULER = Scheduler()


def chats(sessions_count: int, *, span_s: float = 240.0, seed: int = 1, **levels: Any) -> ReplayDemand:
    """Sessions of four growing turns, 5 s of thought between them, beginning at random in the span."""
    rng = np.random.default_rng(seed)
    session = np.repeat(np.arange(sessions_count), 4)
    step = np.tile(np.arange(4), sessions_count)
    start_ns = np.repeat(np.sort(rng.random(sessions_count) * span_s), 4) * 1e9 + step * 20e9
    order = np.argsort(start_ns, kind="stable")
    position = np.argsort(order)
    before = np.where(step > 0, position[np.arange(session.size) - 1], -1)
    columns = {
        "start_ns": start_ns,
        "session": session,
        "after": before,
        "parent": before,
        "gap_ns": np.where(step > 0, 5e9, 0.0),
        "input_tokens": 4000 + 1000 * step,
        "shared_tokens": np.where(step > 0, 3300 + 1000 * step, 0),
        "output_tokens": np.full(session.size, 300),
    }
    limits = {"ttft_limit_s": 2.0, "tpot_limit_s": 0.03, "attainment_target_ratio": 0.9, **levels}
    columns |= {name: np.full(session.size, value) for name, value in limits.items()}
    return demand_from({name: column[order] for name, column in columns.items()})


def fleet_of(demand: ReplayDemand, replica: Replica | None = None, *, guess: float = 4.0) -> Fleet:
    on = replica or tables_of("gpt-oss-120b").replica(0)
    return smallest_fleet(demand, on, promises_of(demand), scheduler=SCHEDULER, guess=guess)


def planted(calls_per_replica: float) -> Any:
    """A replay in which each replica serves so many calls in time and all beyond are late."""

    def serve(demand: ReplayDemand, replica: Replica, *, replicas_count: int, scheduler: Scheduler) -> ReplayResult:
        nothing = np.zeros(len(demand))
        return ReplayResult(
            requested_s=nothing,
            queued_s=nothing,
            ttft_s=nothing,
            tpot_s=nothing,
            duration_s=nothing,
            cached_tokens=nothing.astype(np.int64),
            preemptions_count=nothing.astype(np.int64),
            is_met=np.arange(len(demand)) < replicas_count * calls_per_replica,
            replicas_count=replicas_count,
            steps_count=0,
            busy_s=0.0,
            span_s=1.0,
            bins=Bins(nothing, nothing, nothing),
        )

    return serve


@given(needed=st.floats(1.2, 40.0), guess_ratio=st.floats(0.25, 4.0), target=st.floats(0.5, 0.99))
def test_the_fleet_is_the_planted_one_whatever_the_guess(needed: float, guess_ratio: float, target: float) -> None:
    demand = demand_from(
        {"start_ns": np.arange(5000), "attainment_target_ratio": np.full(5000, target)},
    )
    rough, fine = (
        smallest_fleet(
            demand,
            replica_of(constant_cost(1.0)),
            promises_of(demand),
            scheduler=SCHEDULER,
            guess=needed * guess_ratio,
            share_rounds=share_rounds,
            serve=planted(target * 5000 / needed),
        )
        for share_rounds in (2, 9)
    )
    assert rough.replicas_count in {int(np.ceil(needed - 0.01)), int(np.ceil(needed + 0.01))}
    assert fine.replicas_needed == pytest.approx(needed, rel=0.01)
    assert rough.chips_count == rough.replicas_needed
    assert rough.result.replicas_count == rough.replicas_count
    fewer = rough.replicas_count - 1
    quarter = (1.0 - fewer / rough.replicas_count) / 4.0
    assert abs(fewer / rough.replicas_needed - fewer / needed) <= quarter + 0.001


def test_a_fleet_between_two_whole_ones_is_not_rounded_up() -> None:
    """Both halvings find too much load; only the margin of the larger fleet tells that two replicas are too many."""
    demand = demand_from({"start_ns": np.arange(5000), "attainment_target_ratio": np.full(5000, 0.5)})
    fleet = smallest_fleet(
        demand,
        replica_of(constant_cost(1.0)),
        promises_of(demand),
        scheduler=SCHEDULER,
        guess=2.0,
        share_rounds=2,
        serve=planted(0.5 * 5000 / 1.75),
    )
    assert fleet.replicas_needed == pytest.approx(1.75, rel=0.03)


def test_the_fleet_keeps_its_promises_and_one_replica_less_does_not() -> None:
    demand = chats(4000)
    fleet = fleet_of(demand)
    promises, replica = promises_of(demand), tables_of("gpt-oss-120b").replica(0)
    assert fleet.replicas_count >= 2
    assert promises.margin(demand, fleet.result.is_met) >= 0.0
    fewer = replay(demand, replica, replicas_count=fleet.replicas_count - 1, scheduler=SCHEDULER)
    assert promises.margin(demand, fewer.is_met) < 0.0
    assert fleet.replicas_count - 1 < fleet.replicas_needed <= fleet.replicas_count
    assert fleet.chips_count == 2 * fleet.replicas_needed


def test_twice_the_sessions_need_about_twice_the_fleet() -> None:
    demand = bursts(12_000)
    twice = scale_sessions(demand, 2.0, jitter_s=10.0, seed=3)
    fleet, double = fleet_of(demand), fleet_of(twice, guess=6.0)
    assert fleet.replicas_needed > 2.0
    assert 1.8 < double.replicas_needed / fleet.replicas_needed < 2.2


def bursts(calls_count: int, *, span_s: float = 120.0) -> ReplayDemand:
    """Calls without sessions, at random in the span."""
    rng = np.random.default_rng(2)
    return demand_from(
        {
            "start_ns": np.sort(rng.random(calls_count) * span_s * 1e9),
            "input_tokens": rng.integers(500, 3000, calls_count),
            "output_tokens": rng.integers(20, 200, calls_count),
            "ttft_limit_s": np.full(calls_count, 2.0),
            "tpot_limit_s": np.full(calls_count, 0.02),
        }
    )


def test_a_chip_with_more_of_everything_needs_no_larger_fleet() -> None:
    demand = chats(4000)
    needed = [fleet_of(demand, replica_on(better(h100(), ratio))).replicas_needed for ratio in (1.0, 1.2, 1.6)]
    assert needed[0] > needed[1] > needed[2]


@pytest.mark.parametrize(
    ("weaker", "name"),
    [(0.6, "attainment_target_ratio"), (6.0, "ttft_limit_s"), (0.06, "tpot_limit_s")],
)
def test_a_weaker_promise_needs_no_larger_fleet(weaker: float, name: str) -> None:
    changed: dict[str, Any] = {name: weaker}
    strict, loose = chats(4000), chats(4000, **changed)
    assert fleet_of(loose).replicas_needed <= fleet_of(strict).replicas_needed


def test_limits_out_of_reach_of_any_fleet_are_told_as_such() -> None:
    with pytest.raises(NoFleet, match=r"6 replicas, 6 times .* miss a promise by 90\.0%"):
        fleet_of(chats(50, tpot_limit_s=1e-6), guess=1.0)


def test_only_promises_out_of_reach_are_lowered() -> None:
    demand = chats(300)
    hopeless = demand.session % 2 == 0
    demand = replace(
        demand,
        tier=np.where(hopeless, 1, 0),
        ttft_limit_s=np.where(hopeless & (demand.session % 6 == 0), 1e-6, demand.ttft_limit_s),
    )
    before = promises_of(demand)
    assert before.target_ratio.tolist() == [0.9, 0.9]
    replica = tables_of("gpt-oss-120b").replica(0)
    owed = reachable(before, demand, replica, replicas_count=8, scheduler=SCHEDULER)
    assert owed.levels.tolist() == before.levels.tolist() == [0, 1]
    assert owed.target_ratio.tolist() == pytest.approx([0.9, 2.0 / 3.0 - 0.01])


def test_the_fleet_exists_once_promises_are_within_reach() -> None:
    demand = chats(300, ttft_limit_s=0.15)
    replica = tables_of("gpt-oss-120b").replica(0)
    owed = reachable(promises_of(demand), demand, replica, replicas_count=24, scheduler=SCHEDULER)
    fleet = smallest_fleet(demand, replica, owed, scheduler=SCHEDULER, guess=4.0)
    assert owed.margin(demand, fleet.result.is_met) >= 0.0


def test_rare_levels_and_calls_that_are_not_scored_size_no_fleet() -> None:
    size = 60
    demand = demand_from(
        {
            "start_ns": np.arange(size),
            "surface": np.where(np.arange(size) < 5, 2, 0),
            "tier": np.where(np.arange(size) >= 30, 1, 0),
            "is_scored": np.arange(size) < 55,
        }
    )
    promises = promises_of(demand)
    assert promises.levels.tolist() == [0, 1]
    met = np.arange(size) < 50
    np.testing.assert_allclose(promises.attainment(demand, met), [1.0, 20.0 / 25.0])
    assert promises.margin(demand, met) == pytest.approx(0.8 - 0.9)


def test_a_small_demand_is_sized_by_its_largest_level() -> None:
    demand = demand_from({"start_ns": np.arange(5), "tier": np.array([0, 0, 0, 2, 2])})
    assert promises_of(demand).levels.tolist() == [0]


def test_a_level_is_a_surface_and_a_tier() -> None:
    demand = demand_from({"start_ns": np.arange(30), "surface": np.full(30, 4), "tier": np.full(30, 2)})
    assert promises_of(demand).levels.tolist() == [4 * len(SERVICE_TIERS) + 2]


def test_nothing_scored_is_refused() -> None:
    demand = demand_from({"start_ns": np.arange(5), "is_scored": np.zeros(5)})
    with pytest.raises(EmptyDemand, match="scored"):
        promises_of(demand)


def test_levels_without_calls_miss_nothing() -> None:
    promises = Promises(levels=np.array([7]), target_ratio=np.array([0.99]))
    demand = demand_from({"start_ns": np.arange(3)})
    assert promises.attainment(demand, np.zeros(3, dtype=bool)).tolist() == [1.0]
