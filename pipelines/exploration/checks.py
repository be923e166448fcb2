"""Physics checks of an exploration: bounds kept, the bill complete, predictions inside their intervals."""

import dagster as dg
import polars as pl

from pipelines.exploration.findings import Findings

ABOVE_ROOFLINE = "kernel_hotspots__never_under_roofline"
BILL_COMPLETE = "kernel_hotspots__bill_sums_to_fleet_cost"
PROMISES_KEPT = "design_evaluations__baseline_keeps_promises"
INCUMBENT_FITS = "kernel_hotspots__incumbent_fits_telemetry"
INTERVALS_HOLD = "recommendations__prediction_intervals_hold"
BILL_TOLERANCE_RATIO = 0.001


def physics_specs() -> list[dg.AssetCheckSpec]:
    """What is checked beside the contracts."""
    texts = {
        ABOVE_ROOFLINE: "No kernel is billed less time than its roofline bound.",
        BILL_COMPLETE: "The hotspots' dollars sum to the busy time of the replayed fleet, within 0.1 %.",
        PROMISES_KEPT: "The incumbent's fleet keeps every promise of the policy that is within its reach.",
        INCUMBENT_FITS: (
            "The telemetry of the last day does not contradict the declared incumbent: its replay has the same shape, "
            "or too little was seen to tell (a warning, not a failure: the bill is right for the chip it names)."
        ),
        INTERVALS_HOLD: "Re-evaluated designs lie inside the intervals predicted for them (a warning, not a failure).",
    }
    return [dg.AssetCheckSpec(name=name, asset=name.split("__")[0], description=text) for name, text in texts.items()]


def physics_checks(findings: Findings) -> dict[str, list[dg.AssetCheckResult]]:
    """Results by asset."""
    under = findings.hotspots.filter(pl.col("bound_s") > pl.col("time_s") * (1.0 + 1e-9)).height
    missed = findings.service.filter(pl.col("attainment_ratio") < pl.col("target_ratio") - 1e-9)
    sized = missed.filter(pl.col("calls") >= 20).height
    return {
        "kernel_hotspots": [
            _result(ABOVE_ROOFLINE, passed=under == 0, rows_under=under),
            _result(
                BILL_COMPLETE,
                passed=findings.bill_unexplained_ratio <= BILL_TOLERANCE_RATIO,
                unexplained_ratio=findings.bill_unexplained_ratio,
            ),
            _incumbent(findings),
        ],
        "design_evaluations": [_result(PROMISES_KEPT, passed=sized == 0, levels_missed=sized)],
        "recommendations": [_intervals(findings)],
    }


def _intervals(findings: Findings) -> dg.AssetCheckResult:
    final = findings.calibration.filter(purpose="recommended") if len(findings.calibration) else pl.DataFrame()
    inside = int(final["inside"].sum()) if len(final) else 0
    return dg.AssetCheckResult(
        asset_key="recommendations",
        check_name=INTERVALS_HOLD,
        passed=inside == len(final),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"inside": inside, "designs": len(final)},
    )


def _incumbent(findings: Findings) -> dg.AssetCheckResult:
    view = findings.explained
    failed = view.tests.filter(finding="fails")["name"].to_list() if len(view.tests) else []
    return dg.AssetCheckResult(
        asset_key="kernel_hotspots",
        check_name=INCUMBENT_FITS,
        passed=view.finding != "fails",
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "finding": view.finding,
            "failed": ", ".join(failed) or "none",
            "reason": view.reason or "compared",
            "unexplained_ratio": view.unexplained_ratio if view.unexplained_ratio is not None else "not told",
        },
    )


def _result(name: str, *, passed: bool, **metadata: float) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=name.split("__", maxsplit=1)[0], check_name=name, passed=bool(passed), metadata=metadata
    )
