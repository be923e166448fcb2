"""Published areas and costs: within their bars, and no chip that a constant came from counts as a check."""

import re

import pytest

from hwmodel.catalog import load_catalog
from hwmodel.physical import area_constants, cost_constants
from hwmodel.physical.constant import Constant
from hwmodel.physical.published import PhysicalRow, physical_chip, physical_rows

NAMES = {
    "a100-sxm-80": r"GA100|A100",
    "h100-sxm": r"GH100|H100",
    "b200-sxm": r"B200|2\.9 k\$ for 192 GB",
    "mi300x": r"MI300X",
    "aldebaran": r"Aldebaran|MI210|MI250",
}
"""How the notes of constants name a chip."""


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, str], PhysicalRow]:
    return {(row.quantity, row.chip): row for row in physical_rows(load_catalog())}


@pytest.mark.parametrize(("chip", "published_mm2"), [("a100-sxm-80", 826.0), ("h100-sxm", 814.0), ("aldebaran", 720.0)])
def test_die_areas_come_within_10_percent(
    rows: dict[tuple[str, str], PhysicalRow], chip: str, published_mm2: float
) -> None:
    row = rows["die_area_m2", chip]
    assert row.modelled * 1e6 == pytest.approx(published_mm2, rel=0.10)
    assert row.low < row.published < row.high
    assert row.is_within


@pytest.mark.parametrize(("chip", "published_usd"), [("h100-sxm", 3300.0), ("mi300x", 5300.0), ("b200-sxm", 6400.0)])
def test_module_costs_come_within_25_percent(
    rows: dict[tuple[str, str], PhysicalRow], chip: str, published_usd: float
) -> None:
    row = rows["module_usd", chip]
    assert row.modelled == pytest.approx(published_usd, rel=0.25)
    assert row.low < row.published < row.high
    assert row.is_within


def test_there_is_a_true_check_of_area_and_of_cost(rows: dict[tuple[str, str], PhysicalRow]) -> None:
    checks = {key for key, row in rows.items() if row.kind == "check"}
    assert checks == {("die_area_m2", "aldebaran"), ("module_usd", "mi300x")}


def test_no_constant_comes_from_a_chip_that_counts_as_a_check(rows: dict[tuple[str, str], PhysicalRow]) -> None:
    notes = {"die_area_m2": _notes(area_constants), "module_usd": _notes(cost_constants)}
    for (quantity, chip), row in rows.items():
        named = any(re.search(NAMES[chip], note) for note in notes[quantity])
        assert named == (row.kind == "consistency"), (quantity, chip)


def test_aldebaran_does_what_its_sheet_says() -> None:
    chip = physical_chip(load_catalog(), "aldebaran")
    rate = chip.cores_count * chip.clock_hz
    assert rate * chip.matrix_flop_per_clk == pytest.approx(181e12, rel=0.01)
    assert rate * chip.vector_flop_per_clk == pytest.approx(45.3e12, rel=0.01)
    assert chip.hbm_bytes == pytest.approx(64e9)
    assert chip.hbm_bytes_per_s == pytest.approx(1.6384e12)


def _notes(module: object) -> list[str]:
    found = []
    for value in vars(module).values():
        entries = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
        for entry in entries:
            constant = entry[1] if isinstance(entry, tuple) else entry
            if isinstance(constant, Constant):
                found.append(constant.note)
    return found
