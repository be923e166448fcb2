"""Real chips as points of the design space around H100, and what of them it cannot say."""

import pytest

from hwmodel.catalog import MissingSpec, design_of, load_catalog
from hwmodel.design import space_around
from tests.hwmodel.design.planted import h100
from tests.hwmodel.design.test_space import parts_of

NOT_SAID: dict[str, set[str]] = {
    "a100-sxm-80": {"overlap_exponent"},
    "a800": {"overlap_exponent"},
    "b200-sxm": {"fp4_rate_ratio"},
    "b300-sxm": {"fp4_rate_ratio", "int8_rate_ratio"},
    "gb200-nvl72": {"fp4_rate_ratio", "link_world_count"},
    "gb300-nvl72": {"fp4_rate_ratio", "int8_rate_ratio", "link_world_count"},
    "h100-sxm": set(),
    "h20": set(),
    "h200-sxm": set(),
    "h800": set(),
    "jalapeno": {"fp4_rate_ratio", "int8_rate_ratio", "link_world_count"},
    "mi300x": {"int8_rate_ratio", "overlap_exponent"},
    "mi325x": {"overlap_exponent"},
    "mi355x": {"fp4_rate_ratio", "overlap_exponent"},
}
"""fp4 may change answers and is apart; int8, domains beyond TP 8 and worse overlap are no parameters around H100."""


def test_from_h100_to_h200_only_memory_and_two_measured_latencies_change() -> None:
    space = space_around(h100())
    h200 = design_of(load_catalog().chip("h200-sxm"))
    memory = {"hbm_stacks_count", "hbm_generation", "hbm_speed_ratio", "hbm_extra_dies_count"}
    changed = set(space.changes(list(space.values_of(h200).values())))
    assert changed == memory | {"launch_latency_s", "collective_latency_s"}
    assert space.outside(h200) == ()


@pytest.mark.parametrize("chip", sorted(NOT_SAID))
def test_every_design_of_the_catalogue_is_a_point_but_for_what_is_named(chip: str) -> None:
    space = space_around(h100())
    real = design_of(load_catalog().chip(chip), allow_estimates=True)
    assert set(space.outside(real)) == NOT_SAID[chip]
    same = parts_of(space.design(space.values_of(real)))
    for name, value in parts_of(real).items():
        if name not in NOT_SAID[chip] | {"tdp_w"}:
            assert same[name] == (value if isinstance(value, str) else pytest.approx(value)), name


def test_no_design_of_the_catalogue_is_left_out_of_that_list() -> None:
    able = set()
    for name, chip in load_catalog().chips.items():
        try:
            design_of(chip, allow_estimates=True)
        except MissingSpec:
            continue
        able.add(name)
    assert able == set(NOT_SAID)


def test_fp4_is_sayable_once_quality_risks_are_let_in() -> None:
    space = space_around(h100(), with_quality_risk=True)
    assert space.outside(design_of(load_catalog().chip("b200-sxm"), allow_estimates=True)) == ()
