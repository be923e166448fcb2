"""Demand as arrays: who follows whom, what was cached before, and sessions added and taken away."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.serving import EmptyDemand, ReplayDemand, replay_demand, scale_sessions
from hwmodel.serving.demand import thin_sessions
from tests.hwmodel.serving.demand_frames import demand_frame, policy_frame
from tests.hwmodel.serving.replay_cases import random_demand
from warehouse.contracts import SERVICE_TIERS, SURFACES


def chain(session: str, first_at_s: float, calls_count: int) -> list[dict[str, Any]]:
    """A session of turns 10 s apart, each with the context of the one before."""
    return [
        {
            "call_id": f"{session}{step}",
            "session_id": session,
            "step_index": step,
            "at_s": first_at_s + 10.0 * step,
            "starts_after_call_id": f"{session}{step - 1}" if step else None,
            "parent_call_id": f"{session}{step - 1}" if step else None,
            "gap_s": 2.5 if step else 0.0,
            "shared_prefix_tokens": 50 * step,
            "input_tokens": 100 + 50 * step,
        }
        for step in range(calls_count)
    ]


def demand_of_sessions(sessions_count: int) -> ReplayDemand:
    rows = [row for number in range(sessions_count) for row in chain(f"s{number}-", 3.0 * number, 1 + number % 4)]
    return replay_demand(demand_frame(*rows), policy_frame())


def shape_of(demand: ReplayDemand, session: int) -> list[tuple[int, ...]]:
    """A session's calls, its start taken out and its links told by place in the session."""
    rows = np.flatnonzero(demand.session == session)
    place = {int(row): at for at, row in enumerate(rows)}
    origin = demand.start_ns[rows[0]]
    return [
        (
            int(demand.start_ns[row] - origin),
            int(demand.gap_ns[row]),
            place.get(int(demand.after[row]), -1),
            place.get(int(demand.parent[row]), -1),
            int(demand.input_tokens[row]),
            int(demand.output_tokens[row]),
        )
        for row in rows
    ]


def test_calls_stand_in_order_of_request_with_links_as_positions() -> None:
    rows = [*chain("b", 5.0, 2), *chain("a", 0.0, 3)]
    demand = replay_demand(demand_frame(*rows), policy_frame())
    assert demand.start_ns.tolist() == [0, 5 * 10**9, 10 * 10**9, 15 * 10**9, 20 * 10**9]
    assert demand.session.tolist() == [0, 1, 0, 1, 0]
    assert demand.after.tolist() == [-1, -1, 0, 1, 2]
    assert demand.parent.tolist() == [-1, -1, 0, 1, 2]
    assert demand.gap_ns.tolist() == [0, 0, 2_500_000_000, 2_500_000_000, 2_500_000_000]
    assert demand.input_tokens.tolist() == [100, 100, 150, 150, 200]


def test_calls_of_one_instant_stand_in_order_of_session_and_step() -> None:
    rows: list[dict[str, Any]] = [
        {"session_id": s, "step_index": i, "input_tokens": n} for s, i, n in (("b", 0, 3), ("a", 1, 2), ("a", 0, 1))
    ]
    assert replay_demand(demand_frame(*rows), policy_frame()).input_tokens.tolist() == [1, 2, 3]


def test_a_prefix_whose_origin_is_outside_the_frame_counts_as_built_before() -> None:
    rows: list[dict[str, Any]] = [
        {"shared_prefix_tokens": 60, "parent_call_id": "long ago"},
        {"shared_prefix_tokens": 60, "parent_call_id": "c0", "at_s": 1.0},
        {"shared_prefix_tokens": 0, "at_s": 2.0},
        {"shared_prefix_tokens": 60, "at_s": 3.0},
    ]
    demand = replay_demand(demand_frame(*rows), policy_frame())
    assert demand.is_warm.tolist() == [True, False, False, True]
    assert demand.shared_tokens.tolist() == [60, 60, 0, 60]


def test_a_call_that_waits_for_one_outside_the_frame_starts_at_its_own_time() -> None:
    demand = replay_demand(demand_frame({"starts_after_call_id": "gone", "gap_s": 3.0}), policy_frame())
    assert demand.after.tolist() == [-1]


def test_only_calls_from_the_window_on_are_scored() -> None:
    rows = [{"at_s": float(at)} for at in (0, 9, 10, 11)]
    demand = replay_demand(demand_frame(*rows), policy_frame(), scored_from_s=10.0)
    assert demand.is_scored.tolist() == [False, False, True, True]


def test_what_nobody_pays_for_has_no_value() -> None:
    rows: list[dict[str, Any]] = [
        {"paid": False, "value_usd_per_token": 3e-5},
        {"at_s": 1.0, "value_usd_per_token": 3e-5},
    ]
    assert replay_demand(demand_frame(*rows), policy_frame()).value_usd_per_token.tolist() == [0.0, 3e-5]


def test_each_call_is_owed_what_the_policy_says_of_its_surface_and_tier() -> None:
    levels = [(s, t) for s in SURFACES for t in SERVICE_TIERS]
    rows = [{"surface": s, "service_tier": t, "at_s": float(at)} for at, (s, t) in enumerate(levels)]
    demand = replay_demand(demand_frame(*rows), policy_frame())
    places = np.arange(len(levels))
    np.testing.assert_allclose(demand.ttft_limit_s, 1.0 + places)
    np.testing.assert_allclose(demand.tpot_limit_s, 0.01 * (1.0 + places))
    np.testing.assert_allclose(demand.attainment_target_ratio, 0.5 + places / 100.0)
    assert (demand.surface * len(SERVICE_TIERS) + demand.tier).tolist() == places.tolist()


def test_a_demand_without_calls_is_refused() -> None:
    empty = demand_frame({}).filter(pl.col("call_id") == "none")
    with pytest.raises(EmptyDemand, match="no calls"):
        replay_demand(empty, policy_frame())


@given(seed=st.integers(0, 10**6), factor=st.sampled_from([2.0, 3.0, 4.0]))
def test_whole_factors_copy_every_session_with_its_order_and_gaps(seed: int, factor: float) -> None:
    demand = demand_of_sessions(9)
    scaled = scale_sessions(demand, factor, jitter_s=30.0, seed=seed)
    assert len(scaled) == factor * len(demand)
    for session in range(9 * int(factor)):
        assert shape_of(scaled, session) == shape_of(demand, session % 9)
    first_of = {int(s): int(scaled.start_ns[scaled.session == s][0]) for s in np.unique(scaled.session)}
    for session, start in first_of.items():
        later_ns = start - first_of[session % 9]
        assert 0 <= later_ns <= 30 * 10**9
        assert later_ns == 0 or session >= 9


@given(seed=st.integers(0, 10**6), share=st.sampled_from([0.25, 0.5, 0.75]), whole=st.integers(0, 3))
def test_a_fractional_factor_adds_that_share_of_the_sessions(seed: int, share: float, whole: int) -> None:
    demand = demand_of_sessions(16)
    scaled = scale_sessions(demand, whole + share, jitter_s=30.0, seed=seed)
    kept = np.unique(scaled.session)
    assert kept.size == 16 * (whole + share)
    for session in kept:
        assert shape_of(scaled, int(session)) == shape_of(demand, int(session) % 16)


def test_factors_below_one_move_nothing() -> None:
    demand = demand_of_sessions(10)
    scaled = scale_sessions(demand, 0.5, jitter_s=30.0, seed=1)
    for session in np.unique(scaled.session):
        here, there = scaled.session == session, demand.session == session
        assert scaled.start_ns[here].tolist() == demand.start_ns[there].tolist()


@given(seed=st.integers(0, 10**6), factor=st.floats(0.3, 5.0))
def test_links_of_a_scaled_demand_point_back_in_time(seed: int, factor: float) -> None:
    demand = random_demand(np.random.default_rng(seed), calls_count=40)
    scaled = scale_sessions(demand, factor, jitter_s=5e-6, seed=seed)
    assert (np.diff(scaled.start_ns) >= 0).all()
    rows = np.arange(len(scaled))
    assert (scaled.parent < rows).all()
    assert (scaled.after < len(scaled)).all()
    linked = scaled.after >= 0
    assert (scaled.session[linked] == scaled.session[scaled.after[linked]]).all()


WEIGHTS = (1.0, 1.25, 1.5, 2.1)


def weighted_sessions(sessions_count: int, lengths: tuple[int, ...] = (4,)) -> ReplayDemand:
    """Sessions whose calls stand for ever more of them, as where like sessions were left."""
    rows = [
        {**row, "weight_ratio": WEIGHTS[row["step_index"]], "output_tokens": 10 * 4 ** row["step_index"]}
        for number in range(sessions_count)
        for row in chain(f"s{number}-", 3.0 * number, lengths[number % len(lengths)])
    ]
    return replay_demand(demand_frame(*rows), policy_frame())


@given(seed=st.integers(0, 10**6), factor=st.sampled_from([0.4, 1.0, 2.0, 3.2]))
def test_a_call_is_there_as_often_as_its_weight_says(seed: int, factor: float) -> None:
    scaled = scale_sessions(weighted_sessions(100), factor, jitter_s=30.0, seed=seed)
    found = [int((scaled.output_tokens == 10 * 4**step).sum()) for step in range(4)]
    assert found == [round(100 * factor * weight) for weight in WEIGHTS]
    assert (scaled.weight_ratio == 1.0).all()


def test_sessions_of_all_lengths_sum_to_their_weights_on_average() -> None:
    demand = weighted_sessions(20, lengths=(1, 4, 2, 3))
    for factor in (0.35, 1.0, 2.4):
        drawn = [scale_sessions(demand, factor, jitter_s=30.0, seed=seed) for seed in range(300)]
        calls = np.mean([len(part) for part in drawn])
        tokens = np.mean([part.output_tokens.sum() for part in drawn])
        assert calls == pytest.approx(factor * demand.weight_ratio.sum(), rel=0.02)
        assert tokens == pytest.approx(factor * (demand.weight_ratio * demand.output_tokens).sum(), rel=0.02)


@given(seed=st.integers(0, 10**6), weight=st.sampled_from([0.5, 0.7, 2.0, 3.4]))
def test_a_weight_is_a_factor(seed: int, weight: float) -> None:
    demand = random_demand(np.random.default_rng(seed), calls_count=40)
    heavy = replace(demand, weight_ratio=np.full(len(demand), weight))
    of_weight = scale_sessions(heavy, 1.0, jitter_s=5e-6, seed=seed)
    of_factor = scale_sessions(demand, weight, jitter_s=5e-6, seed=seed)
    for column in fields(ReplayDemand):
        assert getattr(of_weight, column.name).tobytes() == getattr(of_factor, column.name).tobytes()


@given(seed=st.integers(0, 10**6))
def test_what_stands_for_sessions_that_were_left_is_the_end_of_a_session(seed: int) -> None:
    demand = weighted_sessions(12)
    scaled = scale_sessions(demand, 1.0, jitter_s=30.0, seed=seed)
    for session in np.unique(scaled.session):
        rows = np.flatnonzero(scaled.session == session)
        there = np.flatnonzero(demand.session == session % 12)[-len(rows) :]
        assert scaled.output_tokens[rows].tolist() == demand.output_tokens[there].tolist()
        assert scaled.after[rows].tolist() == [-1, *rows[:-1]]
        later_ns = scaled.start_ns[rows[0]] - demand.start_ns[there[0]]
        assert 0 <= later_ns <= (30 * 10**9 if session >= 12 else 0)
        if session >= 12:
            parent = scaled.parent[rows[0]]
            assert scaled.session[parent] == session % 12
            assert scaled.output_tokens[parent] * 4 == scaled.output_tokens[rows[0]]
            assert not scaled.is_warm[rows].any()


@given(seed=st.integers(0, 10**6), lot=st.integers(0, 10**6))
def test_a_smaller_share_of_the_sessions_is_part_of_a_larger_one(seed: int, lot: int) -> None:
    demand = demand_of_sessions(20)
    small, large = sorted(np.random.default_rng(seed).uniform(0.1, 1.0, 2))
    few, many = (thin_sessions(demand, share, seed=lot) for share in (small, large))
    assert set(few.session) <= set(many.session)
    assert np.unique(few.session).size == round(small * 20)
    for session in np.unique(few.session):
        assert shape_of(few, int(session)) == shape_of(demand, int(session))


def test_a_call_whose_parent_was_taken_away_finds_its_prefix_built() -> None:
    rows: list[dict[str, Any]] = [
        {"session_id": "a", "call_id": "root"},
        {"session_id": "b", "at_s": 1.0, "parent_call_id": "root", "shared_prefix_tokens": 40},
    ]
    demand = replay_demand(demand_frame(*rows), policy_frame())
    alone = [thin_sessions(demand, 0.5, seed=seed) for seed in range(20)]
    orphans = [part for part in alone if part.session[0] == 1]
    assert orphans
    for part in orphans:
        assert (part.parent.tolist(), part.is_warm.tolist()) == ([-1], [True])


def test_a_share_that_leaves_no_session_is_refused() -> None:
    demand = demand_of_sessions(3)
    with pytest.raises(EmptyDemand):
        scale_sessions(demand, 0.01, jitter_s=1.0, seed=0)
    with pytest.raises(EmptyDemand):
        thin_sessions(demand, 0.01)
