"""The timing law of the loop beside kernels that were measured on real chips: error by chip and phase."""

from functools import cache

import numpy as np
import polars as pl

from hwmodel.catalog import load_catalog
from hwmodel.silicon.calibration import SHIPPED
from hwmodel.silicon.calls import CallSheet
from hwmodel.silicon.families import FAMILIES
from hwmodel.silicon.family import Family
from hwmodel.silicon.sample import load_sample
from hwmodel.timing import FIRST_CONSTANTS

PHASES = {"gemm": "products", "prefill": "prefill attention", "decode": "decode attention", "moe": "MoE layers"}
PHASES |= {"collective": "collectives"}
MOST_ROWS = 500
"""Measured kernels of each chip and family that are timed: every n-th of the sample."""


@cache
def chip_errors_frame() -> pl.DataFrame:
    """One row per chip and family of kernels; see `ReportContent.chip_errors`."""
    told = pl.concat([_of(family) for family in FAMILIES])
    order = {phase: at for at, phase in enumerate(PHASES.values())}
    return (
        told.group_by("chip", "phase")
        .agg(
            rows_count=pl.len(),
            median_ratio=pl.col("ratio").median(),
            mean_error_ratio=(pl.col("ratio") - 1.0).abs().mean(),
            p90_error_ratio=(pl.col("ratio") - 1.0).abs().quantile(0.9, "linear"),
        )
        .sort("chip", pl.col("phase").replace_strict(order))
    )


def _of(family: Family) -> pl.DataFrame:
    truth = load_sample(family, SHIPPED, load_catalog())
    rows = pl.concat(
        [
            own.gather_every(max(1, -(-own.height // MOST_ROWS)))
            for own in truth.best.partition_by("chip", maintain_order=True)
        ]
    )
    predicted_s = CallSheet(rows, family.calls(rows), truth.chips, is_timed=True).latency_s(FIRST_CONSTANTS)
    ratio = predicted_s / rows["latency_s"].to_numpy()
    return pl.DataFrame(
        {"chip": rows["chip"], "phase": np.full(rows.height, PHASES[family.name]), "ratio": ratio},
        schema={"chip": pl.String, "phase": pl.String, "ratio": pl.Float64},
    )
