"""Times of one serving stack: a planted gap is found where the stack was measured and where it was not."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hwmodel.catalog import load_catalog
from hwmodel.silicon.calibrate import left_out_calibration
from hwmodel.silicon.calibration import Calibration
from hwmodel.silicon.errors import NoCalibration, UnknownStack
from hwmodel.silicon.evidence import STACK_EVIDENCE
from hwmodel.silicon.predict import ADDED, Request, predict
from hwmodel.silicon.stack_models import BEST, with_best
from tests.hwmodel.silicon.planted import CHIPS, SMALL, calibrated, make_fits_small, mean_error, products, timed

KEYS = ["dtype", "m", "n", "k"]
ASKED = products(("h100-sxm",), 40, seed=9).select(KEYS)
ANY = [*CHIPS, "b300-sxm", "l4"]
GAP = 1.1
"""The second stack of the planted tables is slower by a tenth."""


def told(rows: pl.DataFrame, chip: str = "h100-sxm", fitted: Calibration | None = None) -> pl.DataFrame:
    return predict(Request(chip=chip, rows=rows), load_catalog(), fitted or calibrated()[0])


def of(backend: str | None, kernel: str | None = "gemm", rows: pl.DataFrame = ASKED) -> pl.DataFrame:
    return rows.with_columns(backend=pl.lit(backend, dtype=pl.String), kernel=pl.lit(kernel, dtype=pl.String))


@pytest.mark.parametrize("chip", ANY)
def test_a_planted_gap_between_stacks_is_found(chip: str) -> None:
    best, one, other = (told(rows, chip)["latency_s"] for rows in (ASKED, of("one"), of("other")))
    assert np.median(other / best) == pytest.approx(GAP, rel=0.01)
    assert np.median(one / best) == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("chip", CHIPS)
def test_planted_times_of_a_stack_are_found_on_shapes_that_were_not_fitted(chip: str) -> None:
    planted = timed(products((chip,), 40, seed=9))["latency_s"] * GAP
    assert mean_error(told(of("other"), chip)["latency_s"], planted) < 0.02


@pytest.mark.parametrize("chip", ANY)
@pytest.mark.parametrize("backend", ["one", "other"])
def test_a_stack_is_never_under_the_ideal_bound_and_has_an_interval(chip: str, backend: str) -> None:
    found = told(of(backend), chip)
    assert found.columns == [*KEYS, "backend", "kernel", *ADDED]
    assert (found["bound_s"] <= found["latency_lo_s"]).all()
    assert (found["latency_lo_s"] <= found["latency_s"]).all()
    assert (found["latency_s"] <= found["latency_hi_s"]).all()
    assert found["evidence"].unique().to_list() == [STACK_EVIDENCE[chip in CHIPS]]


def test_rows_without_a_stack_mean_the_best_one_beside_rows_with_one_in_order() -> None:
    mixed = pl.concat([of(None, None), of("other"), of("", "gemm")])
    found = told(mixed)
    assert found.select(mixed.columns).equals(mixed)
    best = told(ASKED)["latency_s"]
    assert found["latency_s"][:40].equals(best)
    assert found["latency_s"][80:].equals(best)
    assert found["latency_s"][40:80].equals(told(of("other"))["latency_s"])
    assert found["evidence"].n_unique() == 2


@pytest.mark.parametrize("chip", ["h100-sxm", "b300-sxm"])
def test_a_stack_without_a_kernel_means_the_one_that_it_runs_and_says_which(chip: str) -> None:
    found = told(of("other", None), chip)
    assert found["latency_s"].equals(told(of("other"), chip)["latency_s"])
    assert found["evidence"].str.ends_with("kernel meant: gemm").all()
    alone = told(of("other").drop("kernel"), chip)
    assert alone["latency_s"].equals(found["latency_s"])


def test_a_stack_that_nobody_measured_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UnknownStack, match="no serving stack 'third' was measured; known: one, other"):
        told(pl.concat([of("one"), of("third")]))
    with pytest.raises(UnknownStack, match="no kernel 'gemv' of other was measured; known: gemm"):
        told(of("other", "gemv"))


def test_a_chip_that_nobody_measured_may_bring_a_kernel_of_its_own() -> None:
    found = told(of("other", "gemv"), "b300-sxm")
    assert found["latency_s"].equals(told(of("other"), "b300-sxm")["latency_s"])
    assert found["evidence"].str.ends_with("kernel meant: gemm").all()


def test_a_format_that_a_stack_was_not_measured_in_has_a_reason_beside_good_rows() -> None:
    mixed = of("other", rows=pl.concat([ASKED.head(2), ASKED.head(1).with_columns(dtype=pl.lit("fp8"))]))
    found = told(mixed)
    assert found["latency_s"].is_null().to_list() == [False, False, True]
    assert found["evidence"][2] == "other/gemm was not measured with dtype fp8"
    assert told(of("other", None, mixed.select(KEYS)))["evidence"][2] == "other was not measured with dtype fp8"


def test_a_calibration_that_tells_no_stacks_apart_says_so() -> None:
    fitted = calibrated()[0]
    bare = replace(fitted, families={"gemm": replace(fitted.of("gemm"), stacks=None)})
    assert told(ASKED, fitted=bare)["latency_s"].null_count() == 0
    with pytest.raises(NoCalibration, match="no serving stacks of gemm"):
        told(of("one"), fitted=bare)


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_fits_small(monkeypatch)
        yield


@pytest.mark.usefixtures("small")
def test_a_stack_is_told_on_a_chip_that_is_left_out_without_its_own_rows() -> None:
    measured = calibrated()[1]
    out = frozenset({"b200-sxm"})
    harmed = replace(
        measured,
        own=with_best(SMALL, measured).with_columns(
            latency_s=pl.when(pl.col("chip").is_in(list(out))).then(1.0).otherwise("latency_s")
        ),
    )
    found = []
    for truth in (measured, harmed):
        again = left_out_calibration(SMALL, truth, out)
        fitted = Calibration(constants=again.seen.constants, families={"gemm": again}, source="planted")
        best, other = (told(rows, "b200-sxm", fitted) for rows in (ASKED, of("other")))
        assert np.median(other["latency_s"] / best["latency_s"]) == pytest.approx(GAP, rel=0.01)
        assert other["evidence"].unique().to_list() == [STACK_EVIDENCE[False]]
        found.append(other)
    assert found[0].equals(found[1])


def test_the_best_time_of_a_shape_stands_beside_each_stack_s_own() -> None:
    rows = with_best(SMALL, calibrated()[1]).filter(pl.col("backend") == "other")
    assert (rows["latency_s"] / rows[BEST]).to_list() == pytest.approx([GAP] * len(rows))
