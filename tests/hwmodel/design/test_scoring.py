"""Scoring a space: several scenarios at once as one by one, refusals counted, both objectives as an evaluation's."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from hwmodel.catalog import DesignTable
from hwmodel.design import (
    SCORED_CURVES,
    DesignSpace,
    Scenario,
    closed_form_fleet,
    closed_form_fleets,
    closed_form_of,
    closed_form_value,
    score,
    space_around,
)
from hwmodel.design.scoring import UNSERVABLE
from hwmodel.physical import limits, tco
from tests.hwmodel.design.planted import Shape, h100, planted

CURVES_OF_AN_EVALUATION = (
    "value_per_usd_ratio",
    "value_usd_per_j",
    "value_usd_per_rack_h",
    "value_usd_per_latency_s",
)


def space() -> DesignSpace:
    return replace(space_around(h100()), most_changes_count=2)


@pytest.fixture(scope="module")
def scenarios() -> tuple[Scenario, ...]:
    short = planted(Shape(input_tokens=600, output_tokens=400), name="short")
    mixed = planted(Shape(), Shape(surface="long_context_chat", input_tokens=9000, llm="gpt-oss-120b"), name="mixed")
    return (short, mixed)


def test_scenarios_scored_together_are_as_one_by_one(scenarios: tuple[Scenario, ...]) -> None:
    together = score(space(), scenarios)
    assert together.scenarios == ("short", "mixed")
    for column, scenario in enumerate(scenarios):
        alone = closed_form_value(together.designs, scenario)
        assert together.curves["value_per_usd_ratio"][:, column] == pytest.approx(alone)
    assert (together.closed_form == together.curves["value_per_usd_ratio"][:, 0]).all()


def test_one_scenario_may_come_by_itself(scenarios: tuple[Scenario, ...]) -> None:
    one, same = score(space(), scenarios[0]), score(space(), scenarios[:1])
    assert (one.closed_form == same.closed_form).all()
    assert one.designs.name == same.designs.name


def test_both_objectives_are_offered_value_over_what_the_fleet_takes(scenarios: tuple[Scenario, ...]) -> None:
    table = DesignTable.of([h100()])
    scenario = scenarios[1]
    chips = sum(closed_form_fleet(table, p).chips_needed[0] * p.traffic_ratio for p in scenario.pools)
    offered = sum(p.offered_usd_per_h for p in scenario.pools)
    cost = tco(table)
    found = closed_form_of(table, scenario)
    assert found.value_per_usd_ratio[0] == pytest.approx(offered / (chips * cost.typical_usd_per_chip_h[0]))
    assert found.value_usd_per_j[0] == pytest.approx(offered / 3600.0 / (chips * cost.all_in_w[0]))
    assert found.chips_by_pool.sum() == pytest.approx(chips)
    assert tuple(name for name in CURVES_OF_AN_EVALUATION if hasattr(found, name)) == SCORED_CURVES


def test_pools_of_one_llm_under_two_engine_settings_are_scored_apart(scenarios: tuple[Scenario, ...]) -> None:
    """What they share is timed once, but a smaller batch is a smaller batch."""
    table, pool = DesignTable.of([h100()]), scenarios[0].pools[0]
    few = replace(pool, scheduler=replace(pool.scheduler, max_sequences_count=8))
    usual, narrow = closed_form_fleets(table, (pool, few))
    assert usual.replicas_by_tp == pytest.approx(closed_form_fleet(table, pool).replicas_by_tp)
    assert narrow.replicas_by_tp == pytest.approx(closed_form_fleet(table, few).replicas_by_tp)
    assert (narrow.replicas_by_tp > usual.replicas_by_tp).any()


def test_every_refused_point_is_counted_under_each_limit_that_it_breaks(scenarios: tuple[Scenario, ...]) -> None:
    found = score(space(), scenarios[0])
    used = limits(space().designs(space().points()), baseline=h100())
    broken = {limit.name: int(limit.is_broken.sum()) for limit in used.all if limit.is_broken.any()}
    counted = {refusal.reason: refusal.points_count for refusal in found.refused if refusal.reason != UNSERVABLE}
    assert counted == broken
    assert counted["die area"] > 0
    assert found.legal_count - len(found.points) >= max(counted.values())
    assert all(0 <= refusal.alone_count <= refusal.points_count for refusal in found.refused)


def test_designs_that_cannot_hold_the_llm_are_refused_for_that() -> None:
    """One stack of 16 GB holds no 70 GB of weights even at a width of eight with long contexts beside."""
    scenario = planted(Shape(llm="llama-3.1-70b", input_tokens=30_000, sessions_per_s=0.2), name="large")
    stacks = space().parameters[space().names.index("hbm_stacks_count")]
    small = replace(space(), parameters=(replace(stacks, levels=(1.0, 5.0)),))
    found = score(small, scenario)
    assert {refusal.reason: refusal.alone_count for refusal in found.refused} == {UNSERVABLE: 1}
    assert found.points.tolist() == [[5.0]]


def test_rows_are_readable_designs_and_the_baseline_is_one_of_them(scenarios: tuple[Scenario, ...]) -> None:
    found = score(space(), scenarios[0])
    (row,) = found.row_of_baseline
    assert found.designs.name[row] == "h100-sxm"
    assert found.features[row].tolist() == [0.0] * len(space().names)
    assert found.designs.name == space().ids(found.points)
    assert np.isfinite(found.features).all()


def test_equal_loads_of_one_llm_are_sized_once(
    scenarios: tuple[Scenario, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A surface that is a whole tier is the same demand under two names."""
    table, pool = DesignTable.of([h100()]), scenarios[0].pools[0]
    same = replace(pool, demand=replace(pool.demand), load=replace(pool.load))
    other = replace(pool, load=replace(pool.load, context_tokens=2.0 * pool.load.context_tokens))
    room = import_module("hwmodel.design.closed_form")
    counts: list[int] = []
    usual = room._replicas_at

    def counted(designs: object, classes: object, pools: tuple[object, ...], tp_count: int) -> object:
        counts.append(len(pools))
        return usual(designs, classes, pools, tp_count)

    monkeypatch.setattr(room, "_replicas_at", counted)
    first, again, longer = closed_form_fleets(table, (pool, same, other))
    assert counts == [2, 2, 2, 2]
    assert first.chips_needed.tolist() == again.chips_needed.tolist() == closed_form_fleet(table, pool).chips_needed
    assert longer.chips_needed > first.chips_needed
