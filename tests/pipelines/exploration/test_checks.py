"""The physics checks: silent on sound findings, failing on each planted violation alone."""

import dagster as dg
import polars as pl
import pytest

from pipelines.exploration.checks import (
    ABOVE_ROOFLINE,
    BILL_COMPLETE,
    INCUMBENT_FITS,
    INTERVALS_HOLD,
    PROMISES_KEPT,
    physics_checks,
    physics_specs,
)
from pipelines.report import ExplainedView
from tests.pipelines.exploration.sample_findings import sample_findings
from tests.pipelines.report.sample_explained import explained, held, untold

SOUND_SERVICE = sample_findings().service.with_columns(attainment_ratio=pl.col("target_ratio"))


def failed(**changes: object) -> set[str]:
    results = physics_checks(sample_findings(**({"service": SOUND_SERVICE, "explained": held()} | changes)))
    return {r.check_name or "" for every in results.values() for r in every if not r.passed}


def with_first_row(frame: pl.DataFrame, column: str, value: pl.Expr) -> pl.DataFrame:
    first = pl.int_range(pl.len()) == 0
    return frame.with_columns(pl.when(first).then(value).otherwise(pl.col(column)).alias(column))


def test_sound_findings_pass() -> None:
    calibration = sample_findings().calibration.with_columns(inside=pl.lit(value=True))
    assert failed(calibration=calibration) == set()


def test_one_kernel_billed_under_its_roofline_bound_fails() -> None:
    hotspots = with_first_row(sample_findings().hotspots, "time_s", pl.col("bound_s") * 0.999)
    assert failed(hotspots=hotspots) == {ABOVE_ROOFLINE}
    kept = with_first_row(sample_findings().hotspots, "time_s", pl.col("bound_s"))
    assert failed(hotspots=kept) == set()


@pytest.mark.parametrize(
    ("unexplained", "fails"), [(0.01, True), (0.0011, True), (0.0009, False), (float("nan"), True)]
)
def test_a_bill_that_misses_the_fleets_cost_fails(unexplained: float, fails: bool) -> None:
    assert (BILL_COMPLETE in failed(bill_unexplained_ratio=unexplained)) is fails


def test_a_promise_that_the_baseline_misses_fails() -> None:
    missed = with_first_row(SOUND_SERVICE, "attainment_ratio", pl.col("target_ratio") - 0.02)
    assert failed(service=missed) == {PROMISES_KEPT}


def test_a_level_with_a_handful_of_calls_is_noise() -> None:
    rare = with_first_row(SOUND_SERVICE, "attainment_ratio", pl.col("target_ratio") - 0.5)
    assert failed(service=with_first_row(rare, "calls", pl.lit(19))) == set()


def test_a_re_evaluation_outside_its_interval_warns_and_does_not_fail() -> None:
    calibration = with_first_row(
        sample_findings().calibration.with_columns(inside=pl.lit(value=True)), "inside", pl.lit(value=False)
    )
    assert calibration["purpose"][0] == "recommended"
    (result,) = physics_checks(sample_findings(calibration=calibration))["recommendations"]
    assert (result.check_name, result.passed, result.severity) == (INTERVALS_HOLD, False, dg.AssetCheckSeverity.WARN)


def test_a_shape_that_the_incumbent_lacks_warns_and_names_the_tests_that_fail() -> None:
    results = physics_checks(sample_findings(explained=explained("fails")))["kernel_hotspots"]
    (result,) = [each for each in results if each.check_name == INCUMBENT_FITS]
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.metadata["failed"].value == "profile of times"
    assert result.metadata["unexplained_ratio"].value == pytest.approx(0.41)


@pytest.mark.parametrize("view", [untold(), held(), explained("untold")])
def test_what_cannot_be_told_does_not_contradict_the_incumbent(view: ExplainedView) -> None:
    assert INCUMBENT_FITS not in failed(explained=view)


def test_findings_without_a_calibration_are_not_judged() -> None:
    assert INTERVALS_HOLD not in failed(calibration=pl.DataFrame())


def test_every_declared_check_has_a_result_on_its_asset() -> None:
    results = physics_checks(sample_findings())
    told = {(asset, r.check_name) for asset, every in results.items() for r in every}
    assert told == {(spec.asset_key.to_user_string(), spec.name) for spec in physics_specs()}
