"""Thresholds of prices and mixes against designs whose costs are known."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.design import CURVE, Evaluation, Scenario, evaluate
from hwmodel.design.explain import Contest, Worth, confirmed, flips, levers_of
from hwmodel.design.explain.flips import electricity_price_ratio, hbm_price_ratio
from hwmodel.design.scoring import closed_form_value
from hwmodel.physical import tco
from tests.hwmodel.design.planted import h100, planted


@pytest.fixture(scope="module")
def today() -> Scenario:
    return planted()


@pytest.fixture(scope="module")
def base(today: Scenario) -> Evaluation:
    return evaluate(h100(), today)


def more_memory() -> ChipDesign:
    return replace(h100(), name="eight stacks", hbm_stacks_count=8.0)


def worth_more(base: Evaluation, design: ChipDesign, ratio: float) -> Evaluation:
    """As if the design had been replayed with this value per dollar over the base's."""
    usd = float(tco(DesignTable.of([design])).typical_usd_per_chip_h[0])
    factor = ratio * usd / base.usd_per_chip_h
    pools = tuple(replace(p, value_by_surface=p.value_by_surface * factor) for p in base.pools)
    return replace(base, design=design, usd_per_chip_h=usd, pools=pools)


def test_a_price_at_its_own_multiple_is_what_it_is() -> None:
    table = DesignTable.of([h100(), more_memory()])
    for price in (hbm_price_ratio, electricity_price_ratio):
        assert price(table, 1.0) == pytest.approx([1.0, 1.0])
        assert (price(table, 2.0) > 1.0).all()
    dearer = hbm_price_ratio(table, 3.0)
    assert dearer[1] > dearer[0]


def test_the_price_of_memory_at_which_more_memory_stops_paying_is_found_and_confirmed(
    today: Scenario, base: Evaluation
) -> None:
    winner = worth_more(base, more_memory(), 1.05)
    assert winner.curves[CURVE] / base.curves[CURVE] == pytest.approx(1.05)
    contest = Contest(winner=winner, rivals=[("no change", base)])
    lever = next(lever for lever in levers_of(()) if lever.name == "price of HBM")
    found = flips(contest, today, [lever])[0]
    assert found.threshold is not None
    dearer = hbm_price_ratio(contest.table, found.threshold)
    assert 1.05 * dearer[0] / dearer[1] == pytest.approx(1.0, abs=0.01)
    checked = confirmed(found, contest, today, lever, replicas_count=2.0, seed=1)
    assert checked.replayed_ratio == pytest.approx(1.0, abs=0.01)
    assert checked.is_confirmed


def test_a_winner_by_far_has_no_threshold(today: Scenario, base: Evaluation) -> None:
    contest = Contest(winner=worth_more(base, more_memory(), 10.0), rivals=[("no change", base)])
    lever = next(lever for lever in levers_of(()) if lever.name == "price of HBM")
    found = flips(contest, today, [lever])[0]
    assert (found.threshold, found.replayed_ratio, found.is_confirmed) == (None, None, False)
    assert confirmed(found, contest, today, lever, replicas_count=2.0, seed=1) is found


def test_worth_is_the_closed_form_and_sizes_each_pool_once(today: Scenario) -> None:
    table = DesignTable.of([h100(), more_memory()])
    worth = Worth(designs=table)
    assert worth.of(today) == pytest.approx(closed_form_value(table, today))
    worth.of(replace(today, name="again"))
    assert len(worth.chips) == len(today.pools)


def test_every_surface_has_a_lever_and_demand_levers_change_nothing_at_one() -> None:
    levers = levers_of(("codex_loop", "multimodal"))
    assert [lever.name for lever in levers][:2] == ["sessions of codex loop", "sessions of multimodal"]
    for lever in levers:
        if lever.case is not None:
            case = lever.case(1.0)
            assert np.all(case.session_ratio == 1.0)
            assert case.limit_ratio == 1.0
