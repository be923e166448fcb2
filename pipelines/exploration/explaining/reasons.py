"""Why a design pays, told by the bill: which kernels cost less per unit of value, and what bound them."""

import polars as pl

from hwmodel.design import Evaluation

KEY = ("llm", "kernel", "binding_resource")
SHOWN_KERNELS = 12
TOLD_KERNELS = 4
RESOURCE_WORDS = {
    "matrix": "matrix rate",
    "vector": "vector rate",
    "exponent": "exponential rate",
    "l2": "L2 bandwidth",
    "hbm": "HBM bandwidth",
    "link": "link bandwidth",
    "latency": "fixed latency",
}


def bill_shift(baseline: Evaluation, before: pl.DataFrame, evaluation: Evaluation, after: pl.DataFrame) -> pl.DataFrame:
    """Share of cost per unit of value by kernel and binding resource, both over the baseline's whole bill.

    Columns: llm, kernel, binding_resource, surface (the one that causes most of it), baseline_share_ratio,
    design_share_ratio. The design's column sums to its bill per unit of value over the baseline's.
    """
    whole = float(before["cost_usd"].sum()) / baseline.value_usd_per_h
    sides = [
        _per_value(frame, e.value_usd_per_h * whole, name)
        for frame, e, name in (
            (before, baseline, "baseline_share_ratio"),
            (after, evaluation, "design_share_ratio"),
        )
    ]
    joined = sides[0].join(sides[1].drop("surface"), on=list(KEY), how="full", coalesce=True)
    filled = joined.with_columns(
        pl.col("baseline_share_ratio", "design_share_ratio").fill_null(0.0), pl.col("surface").fill_null("")
    )
    weight = pl.max_horizontal("baseline_share_ratio", "design_share_ratio")
    return filled.sort(weight, "kernel", "llm", descending=[True, False, False])


def reasons(shift: pl.DataFrame, baseline: Evaluation, evaluation: Evaluation) -> tuple[str, ...]:
    """Sentences that name kernels and binding resources, the largest savings first."""
    by_resource = (
        shift.group_by("binding_resource")
        .agg(pl.col("baseline_share_ratio", "design_share_ratio").sum())
        .with_columns(saved=pl.col("baseline_share_ratio") - pl.col("design_share_ratio"))
        .sort("saved", descending=True)
    )
    top = by_resource.row(0, named=True)
    bill = float(shift["design_share_ratio"].sum())
    first = (
        f"A dollar of value costs {1.0 - bill:.0%} less busy time than on {baseline.design.name}; most of it comes "
        f"from kernels bound by {RESOURCE_WORDS[top['binding_resource']]}, which go from "
        f"{top['baseline_share_ratio']:.0%} to {top['design_share_ratio']:.0%} of the incumbent's bill."
    )
    kernels = (
        shift.group_by("llm", "kernel")
        .agg(
            pl.col("binding_resource").sort_by("baseline_share_ratio").last(),
            pl.col("surface").sort_by("baseline_share_ratio").last(),
            pl.col("baseline_share_ratio", "design_share_ratio").sum(),
        )
        .with_columns(saved=pl.col("baseline_share_ratio") - pl.col("design_share_ratio"))
        .sort("saved", "kernel", descending=[True, False])
        .head(TOLD_KERNELS)
    )
    told = [
        f"{row['kernel'].replace('_', ' ')} of {row['llm']}, bound by {RESOURCE_WORDS[row['binding_resource']]} and "
        f"caused mostly by {row['surface'].replace('_', ' ')}: {row['baseline_share_ratio']:.1%} of the bill before, "
        f"{row['design_share_ratio']:.1%} after."
        for row in kernels.iter_rows(named=True)
        if row["saved"] > 0.0
    ]
    return (first, *told, _fleet_sentence(baseline, evaluation))


def _fleet_sentence(baseline: Evaluation, evaluation: Evaluation) -> str:
    parts = []
    for before, after in zip(baseline.pools, evaluation.pools, strict=True):
        parts.append(
            f"{after.pool.llm.id} {before.chips_needed:,.0f} to {after.chips_needed:,.0f} chips "
            f"(TP{before.deployment.tp_count} to TP{after.deployment.tp_count})"
        )
    return f"Chips for the same demand: {'; '.join(parts)}."


def _per_value(frame: pl.DataFrame, scale: float, name: str) -> pl.DataFrame:
    by_surface = (
        frame.with_columns(pl.col("binding_resource", "surface").cast(pl.String))
        .group_by(*KEY, "surface")
        .agg(cost=pl.col("cost_usd").sum() / scale)
    )
    return by_surface.group_by(*KEY).agg(pl.col("surface").sort_by("cost").last(), pl.col("cost").sum().alias(name))
