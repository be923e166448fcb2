"""Immature software: a new chip's kernels start behind and catch up; measured stacks say how far apart they are."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from hwmodel.catalog import ChipDesign
from hwmodel.design.risk.stress import LATENCIES, RATES, Judged, StressRow, row_of

SAME_RUN = (
    "chip",
    "model_path",
    "precision",
    "tp_size",
    "ep",
    "isl",
    "osl",
    "batch_size",
    "gemm_quant_mode",
    "moe_quant_mode",
)
"""What runs of two stacks, or of two versions of one, share."""
TYPICAL_GAP, WIDE_GAP = 1.15, 1.45
"""Time per token of the slowest stack or version over the quickest, on the same chip and load: median and 90 %
quantile over 403 loads on B200 and H200. Measured (`serving_nvidia_measured_runs`; `stack_gaps` finds them)."""
CATCH_UP_MONTHS = 6.0
"""In which half of a gap closes. Assumed: library versions about half a year apart won 12 to 14 % on large fp8 products
(hardware-lanes section 6); one release of one stack won 1.4 to 1.7 times within a week on 22 loads of B200."""
LIFE_MONTHS = 48.0
AGES = 3
"""Ages of the chip at which its fleet is sized."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackGaps:
    """How far stacks and versions lie apart on the same load."""

    loads: int
    median: float
    high: float
    """90 % quantile. Both of the slowest time per token over the quickest."""


def stack_gaps(used: pl.DataFrame) -> StackGaps:
    """Gaps in measured runs.

    Args:
        used: As `used_rows` keeps them.
    """
    stacks = used.group_by(*SAME_RUN, "backend", "backend_version").agg(pl.col("silicon_tpot_ms").median())
    loads = stacks.group_by(SAME_RUN).agg(
        stacks=pl.len(), gap=pl.col("silicon_tpot_ms").max() / pl.col("silicon_tpot_ms").min()
    )
    gaps = loads.filter(pl.col("stacks") > 1)["gap"].to_numpy()
    return StackGaps(loads=len(gaps), median=float(np.median(gaps)), high=float(np.quantile(gaps, 0.9)))


def slowed(design: ChipDesign, factor: float) -> ChipDesign:
    """The design with every rate lower and every latency longer by a factor: what slow kernels look like."""
    rates = {name: getattr(design, name) / factor for name in RATES}
    return replace(design, **rates, **{name: getattr(design, name) * factor for name in LATENCIES})


def software_immature(judged: Judged) -> StressRow:
    """Kernels of the new chip alone start slower by a gap and catch up over its life."""
    design = judged.evaluation.design
    whole = judged.chips(design)
    ages = (np.arange(AGES) + 0.5) / AGES * LIFE_MONTHS

    def ratio(gap: float) -> float:
        factors = 1.0 + (gap - 1.0) * 0.5 ** (ages / CATCH_UP_MONTHS)
        served = [whole / judged.chips(slowed(design, float(factor))) for factor in factors]
        return judged.ratio * float(np.mean(served))

    return row_of(
        "software immature",
        f"kernels slower at the start, half of it caught up every {CATCH_UP_MONTHS:.0f} months",
        unit="x",
        low=1.0,
        high=3.0,
        ratio=ratio,
        basis="closed form over a life of four years; measured between stacks and versions: median "
        f"{TYPICAL_GAP:.2f}x, 90 % below {WIDE_GAP:.2f}x",
    )
