"""Mixes that one surface dominates, and the ranking of knob groups on planted elasticities."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hwmodel.design import silicon_interval, space_around
from hwmodel.design.risk import (
    GroupElasticity,
    KnobGroup,
    Move,
    chance_of,
    dominated,
    group_elasticity,
    leading,
    moves_around,
    verdict_of,
)
from hwmodel.design.risk.planted_demand import Shape, demand_of
from hwmodel.design.space import Step
from tests.hwmodel.design.planted import h100
from warehouse.contracts import Surface


def moved(parameter: str, before: float, after: float) -> Move:
    step = Step(parameter=parameter, column=0, before=before, after=after)
    return Move(step=step, log_change=float(np.log(after / before)), design=h100())


STACKS = moved("hbm_stacks_count", 5.0, 6.0)
LAUNCH = moved("launch_latency_s", 3e-6, 2.25e-6)
CLOCK = moved("clock_hz", 1.83e9, 1.647e9)


def known(group: KnobGroup, middle: float, half: float = 0.1, move: Move = STACKS) -> GroupElasticity:
    return GroupElasticity(group=group, move=move, elasticity=middle, low=middle - half, high=middle + half)


def test_the_dominant_surface_offers_its_share_and_the_others_keep_their_proportions() -> None:
    shapes = [
        Shape(surface=s, sessions_per_s=r) for s, r in (("codex_loop", 1.0), ("api_burst", 0.5), ("multimodal", 0.2))
    ]
    demand = demand_of(shapes, span_s=20.0)
    worth = pl.col("value_usd_per_token") * pl.col("output_tokens") * pl.col("weight_ratio")

    def offered(frame: pl.DataFrame) -> dict[str, float]:
        return dict(frame.group_by(pl.col("surface").cast(pl.String)).agg(worth.sum()).iter_rows())

    before, after = offered(demand), offered(dominated(demand, Surface.API_BURST))
    assert after["api_burst"] / sum(after.values()) == pytest.approx(0.7)
    assert after["codex_loop"] / after["multimodal"] == pytest.approx(before["codex_loop"] / before["multimodal"])


def test_a_group_leads_by_its_largest_gain_per_log_change_and_not_by_its_largest_gain() -> None:
    speed = replace(STACKS, step=replace(STACKS.step, parameter="hbm_speed_ratio"), log_change=1.0)
    assert leading([STACKS, speed], [0.05, 0.10])[KnobGroup.MEMORY] is STACKS


def test_taking_away_counts_only_where_joules_are_asked_for() -> None:
    fewer = moved("hbm_stacks_count", 5.0, 4.0)
    found = leading([fewer, LAUNCH, CLOCK], [0.5, 0.01, 0.02])
    assert KnobGroup.MEMORY not in found
    assert found[KnobGroup.LATENCY] is LAUNCH
    assert found[KnobGroup.WATT] is CLOCK


def test_a_move_of_two_groups_leads_both() -> None:
    found = leading([STACKS], [0.05])
    assert found[KnobGroup.MEMORY] is found[KnobGroup.THROUGHPUT] is STACKS


def test_the_largest_group_wins_and_an_expected_one_counts_within_its_own_interval() -> None:
    memory, latency = known(KnobGroup.MEMORY, 0.50), known(KnobGroup.LATENCY, 0.45, move=LAUNCH)
    assert verdict_of([latency, memory], KnobGroup.MEMORY).is_expected
    behind = verdict_of([latency, memory], KnobGroup.LATENCY)
    assert not behind.is_expected
    assert behind.is_within
    far = verdict_of([known(KnobGroup.LATENCY, 0.35, move=LAUNCH), memory], KnobGroup.LATENCY)
    assert not far.is_within
    assert far.overlaps
    assert not verdict_of([known(KnobGroup.LATENCY, 0.2, move=LAUNCH), memory], KnobGroup.LATENCY).overlaps


def test_of_equal_groups_the_expected_one_is_the_largest() -> None:
    groups = [known(KnobGroup.MEMORY, 0.5), known(KnobGroup.THROUGHPUT, 0.5)]
    assert all(verdict_of(groups, g.group).is_expected for g in groups)


def test_the_interval_adds_silicon_and_sampling_in_squares() -> None:
    base = h100()
    move = replace(LAUNCH, design=replace(base, launch_latency_s=2.25e-6))
    silicon = float(np.log(silicon_interval(base, move.design, 1.0)[1]))
    one = group_elasticity(KnobGroup.LATENCY, move, [0.03, 0.03, 0.03], base)
    assert one.elasticity == pytest.approx(0.03 / -np.log(0.75))
    assert one.high - one.elasticity == pytest.approx(silicon / -np.log(0.75))
    spread = group_elasticity(KnobGroup.LATENCY, move, [0.02, 0.04], base)
    half = np.hypot(silicon, 6.314 * np.std([0.02, 0.04], ddof=1) / np.sqrt(2))
    assert spread.high - spread.elasticity == pytest.approx(half / -np.log(0.75), rel=1e-3)


def test_a_group_that_no_fleet_serves_has_no_elasticity_to_rank() -> None:
    lost = group_elasticity(KnobGroup.LATENCY, LAUNCH, [0.1, float("-inf")], h100())
    assert verdict_of([lost, known(KnobGroup.MEMORY, -1.0)], KnobGroup.LATENCY).largest.group is KnobGroup.MEMORY


def test_moves_are_feasible_and_have_a_ratio() -> None:
    moves = {(m.step.parameter, m.step.relieves): m for m in moves_around(space_around(h100()))}
    assert not {name for name, _ in moves} & {"fabric"}
    assert ("matrix_flop_per_clk", True) not in moves, "the die of H100 is at the reticle"
    assert moves["hbm_generation", True].log_change == pytest.approx(np.log(1.0 / 0.67), rel=0.02)
    assert moves["hbm_extra_dies_count", True].log_change == pytest.approx(np.log(1.5), rel=0.02)
    assert moves["node", True].log_change == pytest.approx(np.log(0.72))


def test_chance_counts_the_groups_that_would_pass_whoever_is_expected() -> None:
    groups = [known(KnobGroup.MEMORY, 0.5), known(KnobGroup.LATENCY, 0.45), known(KnobGroup.WATT, 0.3)]
    assert chance_of(groups) == pytest.approx(2 / 6)
