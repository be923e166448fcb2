"""Stress tests: points of flipping that arithmetic gives, on a planted demand."""

from dataclasses import replace
from functools import cache

import pytest

from hwmodel.catalog import load_catalog
from hwmodel.design import Scenario, evaluate, space_around
from hwmodel.design.risk import (
    Judged,
    architecture_mismatch,
    best_mix,
    claims_miss,
    cost_opacity,
    deployment_delay,
    developer_view,
    flip_point,
    low_yield,
    missed,
    software_immature,
    supplier_mix,
)
from hwmodel.design.risk.software import slowed
from tests.hwmodel.design.planted import h100, planted


@cache
def scenario() -> Scenario:
    return planted()


@cache
def judged() -> Judged:
    """HBM3E in place of HBM3, judged as it would be were it worth a fifth more than it is."""
    base = evaluate(h100(), scenario())
    space = space_around(h100())
    values = space.values_of_baseline() | {"hbm_generation": 1.0}
    design = evaluate(space.design(values), scenario())
    return Judged(
        scenario=scenario(), baseline=base, evaluation=replace(design, usd_per_chip_h=base.usd_per_chip_h * 0.8)
    )


def test_the_point_of_flipping_is_where_the_ratio_passes_one() -> None:
    assert flip_point(lambda x: 2.0 - x, 0.0, 4.0) == pytest.approx(1.0, abs=2e-3)
    assert flip_point(lambda _: 1.1, 0.0, 4.0) is None
    assert flip_point(lambda _: 0.9, 0.5, 4.0) == pytest.approx(0.5)


def test_a_claim_that_is_missed_cuts_what_was_improved_and_nothing_else() -> None:
    base, design = h100(), judged().evaluation.design
    short = missed(base, design, 0.25)
    assert short.hbm_bytes_per_s == pytest.approx(0.75 * design.hbm_bytes_per_s)
    assert replace(short, hbm_stack_bytes_per_s=design.hbm_stack_bytes_per_s) == design
    assert missed(base, base, 0.25) == base


def test_every_test_starts_at_the_gain_of_the_replay_and_only_falls() -> None:
    rows = [test(judged()) for test in (claims_miss, software_immature, deployment_delay, low_yield, cost_opacity)]
    for row in rows:
        assert row.gain_today_ratio == pytest.approx(judged().ratio - 1.0), row.risk
        assert row.gain_at_high_ratio < row.gain_today_ratio, row.risk
        assert row.flips_at is None or row.low <= row.flips_at <= row.high


def test_the_cost_at_which_it_flips_is_the_gain_itself() -> None:
    assert judged().ratio > 1.0
    assert cost_opacity(judged()).flips_at == pytest.approx(judged().ratio, rel=1e-3)


def test_a_slower_chip_needs_more_of_it() -> None:
    design = judged().evaluation.design
    assert judged().chips(slowed(design, 1.5)) > 1.2 * judged().chips(design)
    assert slowed(design, 1.0) == design


def test_other_llms_are_tried_by_kind_and_those_that_fit_nowhere_are_named() -> None:
    rows, absent = architecture_mismatch(judged(), load_catalog())
    assert {row.what.split(":")[0] for row in rows} >= {"traffic that moves to linear attention"}
    assert len(rows) + len(absent) == 4
    assert all(row.gain_today_ratio == pytest.approx(judged().ratio - 1.0) for row in rows)


def test_short_power_goes_to_the_chip_with_most_value_per_watt_and_short_money_to_the_cheap_one() -> None:
    dear = judged().baseline
    frugal = replace(dear, all_in_w=dear.all_in_w / 3.0, usd_per_chip_h=dear.usd_per_chip_h * 3.0)
    free = 1e12
    by_power = best_mix([dear, frugal], power_w=dear.power_w / 3.0, usd_per_h=free)
    by_money = best_mix([dear, frugal], power_w=free, usd_per_h=dear.tco_usd_per_h / 3.0)
    assert by_power == pytest.approx([0.0, 1.0], abs=1e-6)
    assert by_money == pytest.approx([1.0 / 3.0, 0.0], abs=1e-6)
    rows = {row.cap: row for row in supplier_mix(dear, [frugal], most_share=0.6)}
    assert rows["power"].flips_below == pytest.approx(2.0 / 3.0, abs=0.01)
    assert (rows["power"].flips_above, rows["dollars"].flips_below) == (None, None)
    assert max(rows["power and one supplier"].shares.values()) <= 0.6 + 1e-9


def test_developers_see_ordered_tails_and_a_burst_that_is_worse() -> None:
    view = developer_view(judged().baseline)
    assert view.ttft_s == tuple(sorted(view.ttft_s))
    assert view.tpot_s == tuple(sorted(view.tpot_s))
    assert view.burst_met_ratio <= view.met_ratio <= 1.0
    assert view.usd_per_mtoken > 0.0
    assert 0.0 < view.agent_steps_per_h < 3600.0 / 3.0
