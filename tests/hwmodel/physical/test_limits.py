"""Physical limits: real chips pass, each limit can break, and reasons name value and limit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import ChipDesign, DesignTable, design_of, load_catalog
from hwmodel.physical import LimitUse, hbm_sites_count, limits, peak_power_w, tdp_class_w, tdp_needed_w
from tests.hwmodel.physical.random_designs import H100, chips, designs

SHIPPING = ("a100-sxm-80", "h100-sxm", "h200-sxm", "b200-sxm", "b300-sxm", "gb200-nvl72", "gb300-nvl72", "mi325x",
            "mi355x", "jalapeno")  # fmt: skip


def use_of(design: ChipDesign, baseline: ChipDesign | None = None) -> LimitUse:
    return limits(DesignTable.of([design]), baseline=baseline)


def test_shipping_chips_break_no_limit() -> None:
    use = limits(chips(*SHIPPING))
    assert bool(np.all(use.feasible)), [use.reason(i) for i in range(len(SHIPPING))]
    assert all(use.reason(i) == "" for i in range(len(SHIPPING)))


def test_mi300x_breaks_only_the_tdp_limit_and_passes_in_its_own_proportion() -> None:
    mi300x = design_of(load_catalog().chip("mi300x"))
    assert use_of(mi300x).reason(0).startswith("peak power against TDP")
    assert ";" not in use_of(mi300x).reason(0)
    assert bool(use_of(mi300x, baseline=mi300x).feasible[0])


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"cores_count": 200.0}, "die area"),
        ({"hbm_stacks_count": 7.0}, "HBM stacks"),
        ({"hbm_stacks_count": 12.0, "link_bytes_per_s": 3e12}, "shoreline"),
        ({"cores_count": 400.0}, "interposer"),
        ({"tdp_w": 1200.0}, "power density"),
        ({"tdp_w": 350.0}, "peak power against TDP"),
        ({"tdp_w": 2500.0}, "TDP against the largest class"),
    ],
)
def test_each_limit_can_be_broken_and_is_named(change: dict[str, Any], name: str) -> None:
    assert use_of(H100).reason(0) == ""
    use = use_of(replace(H100, **change))
    assert name in use.reason(0)
    assert not use.feasible[0]


def test_a_reason_gives_value_unit_and_limit_of_every_broken_limit() -> None:
    reason = use_of(replace(H100, hbm_stacks_count=8.0, tdp_w=2400.0)).reason(0)
    assert "HBM stacks 8 sites above 6 sites" in reason
    assert "TDP against the largest class 2,400 W above 2,300 W" in reason
    assert reason.count(" above ") == reason.count(";") + 1


@given(design=designs())
def test_a_design_is_feasible_exactly_when_no_reason_is_given(design: ChipDesign) -> None:
    use = use_of(design)
    assert bool(use.feasible[0]) == (use.reason(0) == "")
    assert bool(use.feasible[0]) == all(limit.used_ratio[0] <= 1.0 + 1e-9 for limit in use.all)


@given(design=designs(), factor=st.floats(1.05, 2.0))
def test_limits_grow_with_what_uses_them_up(design: ChipDesign, factor: float) -> None:
    grown = {
        "reticle": "cores_count",
        "shoreline": "link_bytes_per_s",
        "interposer": "hbm_stacks_count",
        "power_density": "tdp_w",
        "tdp": "clock_hz",
        "tdp_class": "tdp_w",
        "hbm_sites": "hbm_stacks_count",
    }
    base = use_of(design)
    for limit, name in grown.items():
        more = use_of(replace(design, **{name: getattr(design, name) * factor}))
        assert getattr(more, limit).used_ratio[0] > getattr(base, limit).used_ratio[0] * 0.999, limit


def test_memory_sites_follow_the_number_of_dies() -> None:
    table = DesignTable.of([replace(H100, dies_count=float(n)) for n in (1, 2, 3, 4, 8)])
    assert hbm_sites_count(table).tolist() == [6.0, 8.0, 10.0, 12.0, 12.0]


def test_tdp_classes_round_up() -> None:
    table = DesignTable.of([replace(H100, tdp_w=w) for w in (300.0, 700.0, 701.0, 2300.0, 2301.0)])
    assert tdp_class_w(table).tolist() == [350.0, 700.0, 1000.0, 2300.0, np.inf]


def test_a_bigger_chip_needs_tdp_in_the_proportion_of_its_baseline() -> None:
    bigger = DesignTable.of([H100, replace(H100, cores_count=1.2 * H100.cores_count)])
    needed = tdp_needed_w(bigger, baseline=H100)
    assert needed[0] == pytest.approx(H100.tdp_w)
    assert needed[1] / needed[0] == pytest.approx(peak_power_w(bigger)[1] / peak_power_w(bigger)[0])
    assert "peak power against TDP" in limits(bigger, baseline=H100).reason(1)
    assert "peak power against TDP" not in limits(bigger).reason(1)
