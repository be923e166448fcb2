"""Speed-ups from one chip to another: a planted one is found, and its rivals are what they claim to be."""

from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest

from hwmodel.silicon import design_change as module
from hwmodel.silicon.design_change import DesignChange, DesignChangeRow, design_change, ratio_radius
from hwmodel.silicon.design_tests import DESIGN_TESTS
from hwmodel.silicon.families import FAMILIES
from hwmodel.silicon.left_out import LeftOut
from hwmodel.silicon.tables import HELD_OUT_CHIPS
from hwmodel.timing import FIRST_CONSTANTS
from tests.hwmodel.silicon.planted import SMALL, make_fits_small, products, timed, truth

SMALL_M = DesignChange(name="few rows", family="gemm", before="h100-sxm", after="h200-sxm", kernels=pl.col("m") <= 1024)
ROWS = products(("a100-sxm-80", "b200-sxm", "h100-sxm", "h200-sxm"), 200)
SLOW = 1.5


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_fits_small(monkeypatch)
        yield


def planted(factors: dict[str, float] | None = None) -> LeftOut:
    return LeftOut(SMALL, truth(timed(ROWS, factors)), FIRST_CONSTANTS)


@pytest.fixture(scope="module")
def plain() -> LeftOut:
    return planted()


@pytest.fixture(scope="module")
def slow_h200() -> LeftOut:
    """H200 is slower than its sheet."""
    return planted({"h200-sxm": SLOW})


@pytest.fixture(scope="module")
def row(plain: LeftOut) -> DesignChangeRow:
    return design_change(plain, SMALL_M)


def test_the_planted_speed_up_is_found_by_a_model_that_has_not_seen_the_later_chip(row: DesignChangeRow) -> None:
    times = timed(ROWS).filter(SMALL_M.kernels)
    before, after = (times.filter(pl.col("chip") == name)["latency_s"].to_numpy() for name in ("h100-sxm", "h200-sxm"))
    assert row.rows == len(before)
    assert row.measured_median == pytest.approx(float(np.exp(np.median(np.log(before / after)))), rel=1e-6)
    assert row.mape < 0.01
    assert row.mape < row.constant_mape
    assert row.mape < row.roofline_mape
    assert row.interval_factor < 1.1


def test_a_later_chip_slower_than_its_sheet_is_missed_by_that_factor_and_the_oracle_sees_it(slow_h200: LeftOut) -> None:
    slow = design_change(slow_h200, SMALL_M)
    assert slow.mape == pytest.approx(SLOW - 1.0, abs=0.05)
    assert slow.oracle_mape < 0.1
    assert slow.interval_coverage == 0.0


def test_the_width_of_a_ratio_does_not_know_the_later_chip_and_knows_the_others(
    plain: LeftOut, slow_h200: LeftOut
) -> None:
    radius = ratio_radius(plain, SMALL_M)
    assert ratio_radius(slow_h200, SMALL_M) == radius
    assert ratio_radius(planted({"b200-sxm": SLOW}), SMALL_M) > 2.0 * radius


def test_the_best_constant_has_the_least_mean_relative_error_of_all_constants() -> None:
    measured = np.random.default_rng(0).normal(0.3, 0.4, 301)
    best = module._best_constant(measured)

    def error(constant: float) -> float:
        return float(np.abs(np.exp(constant - measured) - 1.0).mean())

    assert all(error(best) <= error(other) + 1e-12 for other in np.linspace(-1.0, 1.5, 2001))


def test_the_best_constant_is_the_median_weighted_by_one_over_the_ratio() -> None:
    """Ratios 1, 2, 10 weigh 1, 1/2, 1/10: half of 1.6 lies in the first."""
    assert np.exp(module._best_constant(np.log([10.0, 1.0, 2.0]))) == pytest.approx(1.0)
    assert np.exp(module._best_constant(np.log([2.0, 2.2, 1.9]))) == pytest.approx(2.0)


def test_tests_of_design_changes_name_families_and_chips_that_fits_may_see() -> None:
    names = {family.name for family in FAMILIES}
    assert all(test.family in names for test in DESIGN_TESTS)
    assert not {chip for test in DESIGN_TESTS for chip in (test.before, test.after)} & HELD_OUT_CHIPS
    assert len({(test.family, test.name) for test in DESIGN_TESTS}) == len(DESIGN_TESTS)
