"""How far predictions lie from measured times, by group; never one average over everything."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

ALL = "all"
"""Name of the group that holds every format or bucket of a chip."""
WANTED_COVERAGE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyRow:
    """Errors of one group of measured rows; ratios, not per cent."""

    chip: str
    family: str
    dtype: str
    bucket: str
    """Size of the kernel, as the family counts it."""
    split: str
    """What was held out: `shape`, `stacks` (shapes, each stack's own time), `chip`, `chip+twin`, ..."""
    rows: int
    mape: float
    """Mean of |predicted / measured - 1|. So the next, its median."""
    median_ape: float
    bias: float
    """Mean of predicted / measured - 1: below 0, the model is too fast."""
    closed_form_mape: float
    """The same error without the learned correction."""
    roofline_mape: float
    """The same error of the ideal bound."""
    interval_coverage: float
    """Share of the rows inside their interval of nominal 90 %."""
    interval_factor: float
    """Median half-width of that interval, as a factor."""
    interval_score: float
    """Mean of width + 2 / 0.1 x miss on log times (Gneiting and Raftery, JASA 2007): small is good."""


def score_groups(scored: pl.DataFrame, *, family: str, split: str) -> list[AccuracyRow]:
    """Errors by chip, format and bucket, and over all formats and buckets of a chip.

    Args:
        scored: chip, dtype, bucket, latency_s, predicted_s, closed_form_s, bound_s, factor.
        family: Kernel family, for the rows.
        split: How the rows were held out, for the rows.
    """
    told = scored.with_columns(
        error=pl.col("predicted_s") / pl.col("latency_s") - 1.0,
        closed_form_error=(pl.col("closed_form_s") / pl.col("latency_s") - 1.0).abs(),
        roofline_error=(pl.col("bound_s") / pl.col("latency_s") - 1.0).abs(),
        miss=(pl.col("latency_s") / pl.col("predicted_s")).log().abs() - pl.col("factor").log(),
    )
    penalty = 2.0 / (1.0 - WANTED_COVERAGE)
    return [
        AccuracyRow(family=family, split=split, **row)
        for grouping in _groupings()
        for row in told.with_columns(**grouping)
        .group_by("chip", "dtype", "bucket")
        .agg(
            rows=pl.len(),
            mape=pl.col("error").abs().mean(),
            median_ape=pl.col("error").abs().median(),
            bias=pl.col("error").mean(),
            closed_form_mape=pl.col("closed_form_error").mean(),
            roofline_mape=pl.col("roofline_error").mean(),
            interval_coverage=(pl.col("miss") <= 0.0).mean(),
            interval_factor=pl.col("factor").median(),
            interval_score=(2.0 * pl.col("factor").log() + penalty * pl.col("miss").clip(lower_bound=0.0)).mean(),
        )
        .sort("chip", "dtype", "bucket")
        .iter_rows(named=True)
    ]


def _groupings() -> Iterator[dict[str, pl.Expr]]:
    every = pl.lit(ALL)
    yield {"dtype": every, "bucket": every}
    yield {"dtype": every}
    yield {"bucket": every}
    yield {}


def conformal_factor(calibration: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    """Width of intervals by group, from rows that no fit has seen (split conformal prediction by group).

    The ceil(0.9 (n + 1))-th smallest of n errors (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World,
    2005); a group with fewer than 9 rows has no finite one and takes that of the wider group without its last column.

    Args:
        calibration: The columns of `groups`, latency_s, predicted_s.
        groups: Columns that name a group, the widest first.

    Returns:
        The columns of `groups`, and `factor`, infinite where the first column alone names too few rows.
    """
    found = _factor(calibration, groups)
    for kept in (groups[:level] for level in range(len(groups) - 1, 0, -1)):
        wider = _factor(calibration, kept).rename({"factor": "wider"})
        chosen = pl.when(pl.col("factor").is_finite()).then("factor").otherwise("wider")
        found = found.join(wider, on=kept, how="left").with_columns(factor=chosen).drop("wider")
    return found


def _factor(calibration: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    error = (pl.col("predicted_s") / pl.col("latency_s")).log().abs()
    rank = ((pl.len() + 1) * WANTED_COVERAGE).ceil().cast(pl.Int64)
    at = pl.when(rank <= pl.len()).then(rank - 1)
    radius = error.sort().get(at, null_on_oob=True).fill_null(np.inf)
    return calibration.group_by(groups).agg(factor=radius.exp())
