"""The constants: ordered ranges, known sources, every process covered, curves that behave."""

from pathlib import Path

import numpy as np
import pytest

from hwmodel.physical import all_constants
from hwmodel.physical.constant import along, constant

SOURCES = Path(__file__).resolve().parents[3] / "docs" / "sources.md"
CONSTANTS = all_constants()


def test_every_range_is_ordered_and_positive() -> None:
    assert len(CONSTANTS) > 90
    for name, value in CONSTANTS.items():
        assert 0.0 <= value.low <= value.typical <= value.high, name
        assert value.typical > 0.0, name


def test_every_constant_says_unit_note_and_a_source_that_the_docs_explain() -> None:
    documented = SOURCES.read_text(encoding="utf-8")
    for name, value in CONSTANTS.items():
        assert value.unit, name
        assert value.note, name
        assert f"| `{value.source}` |" in documented, (name, value.source)


def test_what_has_no_source_is_never_called_published() -> None:
    own = [value for value in CONSTANTS.values() if value.source == "own"]
    assert own
    assert {value.kind.value for value in own} <= {"assumed", "calibrated"}


@pytest.mark.parametrize(
    "table",
    [
        "area.DENSITY_PER_M2",
        "area.SRAM_SHRINK_RATIO",
        "cost.WAFER_USD",
        "cost.DEFECTS_PER_M2",
        "cost.NRE_USD",
        "energy.ENERGY_RATIO",
    ],
)
def test_every_process_is_in_every_table(table: str) -> None:
    assert {f"{table}.{node}" for node in ("N7", "N5", "N4", "N3", "N2")} <= set(CONSTANTS)


def test_a_curve_is_flat_before_linear_between_and_straight_on_after() -> None:
    point = [constant((v, v, v), "1", "own", "assumed", "test") for v in (1.0, 3.0)]
    curve = ((10.0, point[0]), (20.0, point[1]))
    where = np.array([0.0, 10.0, 15.0, 20.0, 30.0])
    assert along(curve, where, "typical", extend=True).tolist() == [1.0, 1.0, 2.0, 3.0, 5.0]
    assert along(curve, where, "typical", extend=False).tolist() == [1.0, 1.0, 2.0, 3.0, 3.0]
