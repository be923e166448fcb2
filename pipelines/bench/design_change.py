"""The suite `design-change`: what a change of the chip is worth, told with the later chip left out of the fit."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from hwmodel.catalog import load_catalog
from hwmodel.silicon.design_change import DesignChangeRow, design_change
from hwmodel.silicon.design_tests import DESIGN_TESTS
from hwmodel.silicon.left_out import LeftOut
from hwmodel.silicon.truth import truth_of
from hwmodel.timing import FIRST_CONSTANTS
from pipelines.bench.kernel_accuracy import chosen
from pipelines.errors import BadInput


def design_changes(data: Path, *, families: Sequence[str] = (), told: Callable[[str], None]) -> list[DesignChangeRow]:
    """Every test of the families, with roofline, best constant and oracle beside.

    Args:
        data: Folder of measured tables.
        families: Names of families; all if none.
        told: Hears of progress.

    Raises:
        SiliconError: The tables cannot be used.
        BadInput: No such family, or none of them has a test.
    """
    by_name = {family.name: family for family in chosen(families)}
    tested = {test.family for test in DESIGN_TESTS}
    if not tested & set(by_name):
        raise BadInput(
            f"no design change of {', '.join(by_name)} was measured; there are some of {', '.join(sorted(tested))}"
        )
    rows = []
    for name, tests in groupby(DESIGN_TESTS, key=lambda test: test.family):
        if name not in by_name:
            continue
        left_out = LeftOut(by_name[name], truth_of(by_name[name], data, load_catalog()), FIRST_CONSTANTS)
        for test in tests:
            rows.append(design_change(left_out, test))
            told(line_of(rows[-1]))
    return rows


def line_of(row: DesignChangeRow) -> str:
    """A row as a sentence."""
    told = {name: 100.0 * value for name, value in asdict(row).items() if name.endswith(("mape", "coverage"))}
    return (
        f"{row.test}, {row.before} to {row.after}, {row.rows:,} kernels, measured x{row.measured_median:.2f}: error "
        f"{told['mape']:.1f} %, roofline {told['roofline_mape']:.1f}, best constant {told['constant_mape']:.1f}, "
        f"oracle {told['oracle_mape']:.1f}; 90 % interval x{row.interval_factor:.2f} covers "
        f"{told['interval_coverage']:.0f} %"
    )
