"""Where the report's numbers come from: baseline facts, model constants, prices, policy; each with kind and source."""

import polars as pl

from hwmodel.catalog import CatalogError, ChipDesign, design_origin, load_catalog
from hwmodel.physical import all_constants
from hwmodel.timing import FIRST_CONSTANTS, HOST_STEP_S
from warehouse.contracts import EvidenceKind

SHOWN_CONSTANTS = ("cost.", "energy.HBM", "area.RETICLE", "area.POWER_DENSITY")
MOST_CONSTANTS = 24


def evidence_frame(baseline: ChipDesign, policy: pl.DataFrame, *, allow_estimates: bool) -> pl.DataFrame:
    """One row per number: quantity, value, unit, kind, source."""
    return pl.DataFrame(
        [
            *_baseline_rows(baseline, allow_estimates=allow_estimates),
            *_model_rows(),
            *_constant_rows(),
            *_policy_rows(policy),
        ],
        schema={"quantity": pl.String, "value": pl.Float64, "unit": pl.String, "kind": pl.String, "source": pl.String},
    )


def _baseline_rows(baseline: ChipDesign, *, allow_estimates: bool) -> list[dict[str, object]]:
    try:
        origin = design_origin(load_catalog().chip(baseline.name), allow_estimates=allow_estimates)
    except CatalogError:
        return []
    return [
        _row(f"{baseline.name}: {name}", fact.value, fact.unit, fact.kind.value if fact.kind else "", fact.source)
        for name, fact in origin.facts.items()
    ]


def _model_rows() -> list[dict[str, object]]:
    calibrated = EvidenceKind.CALIBRATED.value
    return [
        _row("timing: reachable share of HBM rate", FIRST_CONSTANTS.hbm_ratio, "ratio", calibrated, "kernel_bars"),
        _row(
            "timing: reachable share of matrix rate", FIRST_CONSTANTS.matrix_ratio, "ratio", calibrated, "kernel_bars"
        ),
        _row("timing: reachable share of L2 rate", FIRST_CONSTANTS.l2_ratio, "ratio", calibrated, "kernel_bars"),
        _row("timing: host time per step", HOST_STEP_S, "s", calibrated, "aic"),
    ]


def _constant_rows() -> list[dict[str, object]]:
    chosen = [(name, constant) for name, constant in all_constants().items() if name.startswith(SHOWN_CONSTANTS)]
    return [
        _row(f"{name} ({c.low:g} to {c.high:g})", c.typical, c.unit, c.kind.value, c.source)
        for name, c in chosen[:MOST_CONSTANTS]
    ]


def _policy_rows(policy: pl.DataFrame) -> list[dict[str, object]]:
    rows = policy.filter(pl.col("service_tier").cast(pl.String) == "interactive")
    return [
        _row(
            f"value of output, {row['surface']} ({row['value_low_usd_per_token'] * 1e6:g} to "
            f"{row['value_high_usd_per_token'] * 1e6:g})",
            row["value_usd_per_token"] * 1e6,
            "USD per million tokens",
            row["kind"],
            row["source"],
        )
        for row in rows.iter_rows(named=True)
    ]


def _row(quantity: str, value: float | None, unit: str, kind: str, source: str | None) -> dict[str, object]:
    return {"quantity": quantity, "value": value, "unit": unit, "kind": kind, "source": source or ""}
