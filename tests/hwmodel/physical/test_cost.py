"""Module cost: published splits come out, parts add up, dearer inputs never make a cheaper module."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.physical import die_area, die_yield, dies_per_wafer, interposer_m2, module_cost, nre_usd
from tests.hwmodel.physical.random_designs import H100, chips, designs


def typical_usd(design: ChipDesign) -> float:
    return float(module_cost(DesignTable.of([design])).typical_usd[0])


@pytest.mark.parametrize(
    ("chip", "published_usd"),
    # module cost splits by siliconanalysts from Epoch and Raymond James estimates
    [("h100-sxm", 3300.0), ("mi300x", 5300.0), ("b200-sxm", 6400.0)],
)
def test_module_cost_comes_within_25_percent_of_published_estimates(chip: str, published_usd: float) -> None:
    cost = module_cost(chips(chip))
    assert cost.typical_usd[0] == pytest.approx(published_usd, rel=0.25)
    assert cost.low_usd[0] < published_usd < cost.high_usd[0]


def test_the_parts_of_an_h100_module_come_near_the_published_split() -> None:
    cost = module_cost(chips("h100-sxm"))
    assert cost.dies_usd[0] == pytest.approx(300.0, rel=0.25)
    assert cost.hbm_usd[0] == pytest.approx(1350.0, rel=0.15)
    assert cost.package_usd[0] == pytest.approx(750.0, rel=0.10)
    assert cost.board_usd[0] == pytest.approx(920.0, rel=0.15)


def test_dies_per_wafer_follow_the_formula_worked_by_hand() -> None:
    # 814 mm2: pi 150^2 / 814 = 86.835; pi 300 / sqrt(1628) = 23.358
    assert dies_per_wafer(np.array([814e-6]))[0] == pytest.approx(63.477, abs=0.01)
    assert dies_per_wafer(np.array([46225e-6]))[0] == 1.0  # a wafer-scale chip is one


@given(design=designs())
def test_the_yield_lies_between_zero_and_one(design: ChipDesign) -> None:
    table = DesignTable.of([design])
    for level in ("low", "typical", "high"):
        assert 0.0 < die_yield(table, die_area(table), level=level)[0] < 1.0


@given(design=designs())
def test_low_typical_and_high_cost_are_in_order(design: ChipDesign) -> None:
    cost = module_cost(DesignTable.of([design]))
    assert cost.low_usd[0] < cost.typical_usd[0] < cost.high_usd[0]


@given(design=designs())
def test_the_parts_add_up_to_the_typical_cost(design: ChipDesign) -> None:
    cost = module_cost(DesignTable.of([design]))
    parts = cost.dies_usd + cost.hbm_usd + cost.package_usd + cost.board_usd + cost.attach_loss_usd
    assert parts[0] == pytest.approx(cost.typical_usd[0])


@given(
    design=designs(),
    factor=st.floats(1.05, 2.0),
    name=st.sampled_from(["cores_count", "l2_bytes", "hbm_stack_bytes", "hbm_stack_bytes_per_s", "tdp_w"]),
)
def test_more_silicon_memory_or_power_never_costs_less(design: ChipDesign, factor: float, name: str) -> None:
    assert typical_usd(replace(design, **{name: getattr(design, name) * factor})) >= typical_usd(design)


def test_another_memory_stack_costs_about_its_price_per_gb() -> None:
    six = replace(H100, hbm_stacks_count=6.0)
    extra = typical_usd(six) - typical_usd(H100)
    assert 16.0 * 15.0 < extra < 16.0 * 15.0 * 1.6  # 16 GB at 15 $/GB, and its interposer, PHY and attach loss


def test_a_perfect_process_loses_no_die_and_splitting_a_die_raises_yield() -> None:
    one, two = H100, replace(H100, dies_count=2.0)
    table = DesignTable.of([one, two])
    single, split = die_yield(table, die_area(table))
    assert single < split


def test_the_interposer_of_h100_is_worked_by_hand() -> None:
    table = chips("h100-sxm")
    expected = 1.1 * (die_area(table).package_m2[0] + 5.0 * 110e-6)
    assert interposer_m2(table, die_area(table))[0] == pytest.approx(expected)


def test_engineering_cost_grows_with_the_die_and_the_process() -> None:
    table = chips("a100-sxm-80", "h100-sxm", "jalapeno")
    n7, n4, n3 = nre_usd(table)
    assert n7 < n4 < n3
    fixed_and_grown = 542e6 * (0.2 + 0.8 * die_area(table).die_m2[1] / 300e-6)
    assert n4 == pytest.approx(fixed_and_grown)
    assert np.all(nre_usd(table, level="low") < nre_usd(table, level="high"))
