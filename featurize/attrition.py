"""Weights for calls that were never made, because their session had been abandoned before."""

import polars as pl

from warehouse.contracts import SURFACES

MIN_AT_RISK_COUNT = 30
"""Sessions that must have reached a step for its own hazard of leaving to be used; later steps keep the last weight.
Assumed: beyond, a single leaver would double a weight."""

MAX_WEIGHT_RATIO = 20.0
"""A call stands for at most this many. Assumed: where 19 of 20 sessions were left, the last one is no witness."""


def attrition_weights(sessions: pl.LazyFrame | None) -> pl.LazyFrame:
    """Inverse chance that a session of the surface was not abandoned before a step, by surface and step.

    The product-limit curve over steps in which abandonment is the event and every other end censors (Kaplan and Meier,
    J. Am. Stat. Assoc. 53 (1958) 457), turned over: inverse probability of censoring weights (Robins and Rotnitzky,
    1992). It assumes that, at a step of a surface, who leaves does not depend on what would have come.

    Args:
        sessions: frame valid under `Sessions`, or None where there is none; sessions without outcome count as not left.

    Returns:
        Columns surface, step_index, weight_ratio, for every step that a session of the frame reached.
    """
    if sessions is None:
        return pl.LazyFrame(schema={"surface": pl.Enum(SURFACES), "step_index": pl.Int64, "weight_ratio": pl.Float64})
    ends = (
        sessions.group_by("surface", step_index=pl.col("call_count") - 1)
        .agg(ended=pl.len(), left=(pl.col("outcome") == "abandoned").sum())
        .sort("surface", "step_index")
        .with_columns(reached=pl.col("ended").cum_sum(reverse=True).over("surface"))
        .with_columns(stays=stays_ratio().cum_prod().over("surface"))
        .select("surface", after_step="step_index", weight_ratio=(1.0 / pl.col("stays")).clip(1.0, MAX_WEIGHT_RATIO))
    )
    last = ends.group_by("surface").agg(last=pl.col("after_step").max())
    steps = last.with_columns(step_index=pl.int_ranges(pl.lit(0, pl.Int64), pl.col("last") + 1)).explode("step_index")
    return (
        steps.select("surface", "step_index", before=pl.col("step_index") - 1)
        .sort("before")
        .join_asof(
            ends.sort("after_step"), left_on="before", right_on="after_step", by="surface", check_sortedness=False
        )
        .select("surface", "step_index", pl.col("weight_ratio").fill_null(1.0))
    )


def stays_ratio() -> pl.Expr:
    """Share of the sessions that reached a step and were not abandoned at it; 1 where too few reached it to tell."""
    is_told = pl.col("reached") >= MIN_AT_RISK_COUNT
    return pl.when(is_told).then(1.0 - pl.col("left") / pl.col("reached")).otherwise(1.0)
