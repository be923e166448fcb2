"""Chips as designs: published peaks come back, gaps are listed, estimates are marked."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.catalog import (
    NUMERIC_FIELDS,
    BadSpec,
    ChipSpec,
    DesignTable,
    MissingSpec,
    UnknownId,
    design_of,
    design_origin,
    load_catalog,
)
from warehouse.contracts.vocabulary import EvidenceKind

CATALOG = load_catalog()
PUBLIC = (
    "a100-sxm-80", "h100-sxm", "h200-sxm", "b200-sxm", "b300-sxm", "gb200-nvl72", "gb300-nvl72", "h20", "h800", "a800",
    "mi300x", "mi325x", "mi355x",
)  # fmt: skip


def can_be_design(spec: ChipSpec, allow_estimates: bool) -> bool:
    try:
        design_of(spec, allow_estimates=allow_estimates)
    except MissingSpec:
        return False
    return True


def test_exactly_the_chips_with_a_full_public_record_can_be_designs() -> None:
    assert tuple(c.id for c in CATALOG.chips.values() if can_be_design(c, allow_estimates=False)) == PUBLIC
    with_estimates = tuple(c.id for c in CATALOG.chips.values() if can_be_design(c, allow_estimates=True))
    assert with_estimates == (*PUBLIC, "jalapeno")


@pytest.mark.parametrize("chip", [*PUBLIC, "jalapeno"])
def test_a_design_reproduces_the_published_bf16_peak_within_3_percent(chip: str) -> None:
    spec = CATALOG.chip(chip)
    design = design_of(spec, allow_estimates=True)
    peak = design.cores_count * design.matrix_flop_per_clk * design.clock_hz
    assert peak == pytest.approx(spec.require("bf16_flop_per_s", allow_estimates=True), rel=0.03)


@pytest.mark.parametrize("chip", [*PUBLIC, "jalapeno"])
@pytest.mark.parametrize("dtype", ["fp8", "fp4", "int8"])
def test_a_design_reproduces_published_narrow_peaks_within_3_percent(chip: str, dtype: str) -> None:
    spec = CATALOG.chip(chip)
    design = design_of(spec, allow_estimates=True)
    ratio = getattr(design, f"{dtype}_rate_ratio")
    published = spec.fact(f"{dtype}_flop_per_s").value
    if published is None:
        assert ratio == 0.0 or spec.known(f"{dtype}_rate_ratio", allow_estimates=True).kind is EvidenceKind.ASSUMED
    else:
        peak = design.cores_count * design.matrix_flop_per_clk * design.clock_hz
        assert peak * ratio == pytest.approx(published, rel=0.03)


@pytest.mark.parametrize("chip", PUBLIC)
def test_memory_of_a_design_is_the_published_memory(chip: str) -> None:
    spec, design = CATALOG.chip(chip), design_of(CATALOG.chip(chip))
    assert design.hbm_bytes == pytest.approx(spec.require("memory_bytes"))
    assert design.hbm_bytes_per_s == pytest.approx(spec.require("memory_bytes_per_s"))


def test_a_wafer_without_dense_peak_is_refused_with_every_gap_listed() -> None:
    with pytest.raises(MissingSpec) as caught:
        design_of(CATALOG.chip("wse-3"))
    message = str(caught.value)
    for gap in (
        "bf16_flop_per_s",
        "hbm_stacks_count",
        "link_bytes_per_s",
        "clock_hz",
        "125 PF fp16 is a sparse figure",
    ):
        assert gap in message
    assert "--allow-estimates takes 15840" in message
    assert "no microarchitecture is on file (node, dies_count, cores_count" in message
    assert "\n" not in message
    assert "h100-sxm" in message


def test_an_unpublished_tdp_is_named_as_a_gap() -> None:
    with pytest.raises(MissingSpec, match="tdp_w: thermal design power"):
        design_of(CATALOG.chip("mi455x"))


def test_estimates_are_refused_by_default_and_marked_when_allowed() -> None:
    jalapeno = CATALOG.chip("jalapeno")
    with pytest.raises(MissingSpec, match="--allow-estimates takes 835"):
        jalapeno.require("bf16_flop_per_s")
    assert jalapeno.require("bf16_flop_per_s", allow_estimates=True) == 835e12
    origin = design_origin(jalapeno, allow_estimates=True)
    assert {"matrix_flop_per_clk", "fp4_rate_ratio", "launch_latency_s", "l2_bytes"} <= set(origin.assumed_fields)
    assert origin.facts["tdp_w"].kind is EvidenceKind.PUBLISHED


def test_the_origin_has_a_fact_for_every_number_of_the_design() -> None:
    origin = design_origin(CATALOG.chip("h100-sxm"))
    assert set(origin.facts) == set(NUMERIC_FIELDS)
    for name, fact in origin.facts.items():
        assert fact.value == getattr(origin.design, name)
        assert fact.kind is not None


def test_a_derived_number_has_the_weakest_kind_of_its_inputs() -> None:
    origin = design_origin(CATALOG.chip("h100-sxm"))
    assert CATALOG.chip("h100-sxm").fact("memory_stacks_count").kind is EvidenceKind.ASSUMED
    assert origin.facts["hbm_stack_bytes"].kind is EvidenceKind.ASSUMED
    assert origin.facts["collective_latency_s"].kind is EvidenceKind.MEASURED


def test_a_null_number_is_refused_with_chip_field_and_key() -> None:
    with pytest.raises(MissingSpec, match=r"chip tpu-8i: bf16_flop_per_s.*tflops_dense\.bf16.*take a chip"):
        CATALOG.chip("tpu-8i").require("bf16_flop_per_s")


def test_a_number_that_no_chip_has_is_unknown() -> None:
    with pytest.raises(UnknownId, match="memory_bytes"):
        CATALOG.chip("h100-sxm").fact("colour")


def test_a_table_of_designs_gives_back_its_rows() -> None:
    designs = [design_of(CATALOG.chip(chip)) for chip in PUBLIC]
    table = DesignTable.of(designs)
    assert [table.row(i) for i in range(len(table))] == designs
    assert np.allclose(table.hbm_bytes, [d.hbm_bytes for d in designs])


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_number_is_refused(value: float) -> None:
    with pytest.raises(BadSpec, match="cores_count"):
        replace(design_of(CATALOG.chip("h100-sxm")), cores_count=value)
