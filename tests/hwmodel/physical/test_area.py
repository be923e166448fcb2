"""Die area: known dies come out, parts add up, more of anything is never smaller."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.physical import UnknownNode, die_area
from tests.hwmodel.physical.random_designs import H100, chips, designs

MM2 = 1e-6
GROWING = (
    "cores_count", "matrix_flop_per_clk", "fp8_rate_ratio", "fp4_rate_ratio", "int8_rate_ratio", "vector_flop_per_clk",
    "exponent_per_clk", "smem_bytes", "l2_bytes", "l2_bytes_per_clk", "hbm_stacks_count", "hbm_stack_bytes_per_s",
    "link_bytes_per_s", "overlap_exponent",
)  # fmt: skip
SHRINKING = ("collective_latency_s", "launch_latency_s")


def package_mm2(design: ChipDesign) -> float:
    return float(die_area(DesignTable.of([design])).package_m2[0]) / MM2


def test_ga100_comes_out_within_10_percent_of_826_mm2_as_it_was_calibrated_on() -> None:
    assert die_area(chips("a100-sxm-80")).die_m2[0] / MM2 == pytest.approx(826.0, rel=0.10)


def test_gh100_comes_out_within_10_percent_of_814_mm2_without_being_used() -> None:
    assert die_area(chips("h100-sxm")).die_m2[0] / MM2 == pytest.approx(814.0, rel=0.10)


def test_the_sm_of_ga100_comes_out_within_10_percent_of_the_die_shot() -> None:
    area = die_area(chips("a100-sxm-80"))
    built = 108.0 / (132.0 / 144.0)
    core = (area.matrix_m2 + area.vector_m2 + area.smem_m2)[0] / built
    assert core / MM2 == pytest.approx(3.75, rel=0.10)  # LLMCompass figure 6


def test_the_jalapeno_compute_die_comes_out_within_25_percent_of_840_mm2() -> None:
    assert die_area(chips("jalapeno")).die_m2[0] / MM2 == pytest.approx(840.0, rel=0.25)


def test_each_die_of_b200_fits_the_reticle() -> None:
    assert 500.0 < die_area(chips("b200-sxm")).die_m2[0] / MM2 < 858.0


@given(design=designs(), factor=st.floats(1.01, 3.0), name=st.sampled_from(GROWING))
def test_more_of_a_resource_never_takes_less_area(design: ChipDesign, factor: float, name: str) -> None:
    more = replace(design, **{name: getattr(design, name) * factor})
    assert package_mm2(more) >= package_mm2(design)


@pytest.mark.parametrize("name", GROWING)
def test_more_of_a_resource_takes_more_area_on_a_chip_that_has_it(name: str) -> None:
    chip = replace(H100, fp4_rate_ratio=4.0, hbm_stack_bytes_per_s=1.0e12)
    assert package_mm2(replace(chip, **{name: getattr(chip, name) * 1.5})) > package_mm2(chip)


@given(design=designs(), factor=st.floats(1.01, 3.0), name=st.sampled_from(SHRINKING))
def test_a_shorter_latency_takes_more_area(design: ChipDesign, factor: float, name: str) -> None:
    faster = replace(design, **{name: getattr(design, name) / factor})
    assert package_mm2(faster) > package_mm2(design)


@given(design=designs())
def test_the_parts_add_up_to_the_package_and_none_is_negative(design: ChipDesign) -> None:
    area = die_area(DesignTable.of([design]))
    parts = [getattr(area, field.name)[0] for field in fields(area) if field.name.endswith("_m2")]
    assert min(parts) >= 0.0
    assert sum(parts) == pytest.approx(area.package_m2[0])
    assert area.die_m2[0] * design.dies_count == pytest.approx(area.package_m2[0])


@given(design=designs())
def test_the_low_end_of_the_constants_is_smaller_than_the_high_end(design: ChipDesign) -> None:
    table = DesignTable.of([design])
    low, typical, high = (die_area(table, level=level).package_m2[0] for level in ("low", "typical", "high"))
    assert low < typical < high


def test_a_newer_process_takes_less_area_but_phys_stay() -> None:
    by_node = die_area(DesignTable.of([replace(H100, node=node) for node in ("N7", "N5", "N4", "N3", "N2")]))
    assert np.all(np.diff(by_node.package_m2) < 0.0)
    assert np.all(by_node.hbm_phy_m2 > H100.hbm_stacks_count * 10.45 * MM2)  # controllers shrink, PHYs do not
    assert by_node.smem_m2[3] == by_node.smem_m2[2]  # SRAM did not shrink at N3


def test_a_table_gives_what_its_rows_give() -> None:
    table = chips("a100-sxm-80", "b200-sxm", "mi300x", "jalapeno")
    singly = [package_mm2(table.row(i)) for i in range(len(table))]
    assert np.allclose(die_area(table).package_m2 / MM2, singly)


def test_an_unknown_process_is_refused_with_those_known() -> None:
    with pytest.raises(UnknownNode, match=r"N14; known: N7, N5"):
        die_area(DesignTable.of([replace(H100, node="N14")]))
