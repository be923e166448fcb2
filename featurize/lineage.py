"""How much of the prompts was shared with earlier calls, and whether a trace says so at all."""

import polars as pl


def reports_lineage() -> pl.Expr:
    """Whether the row's source reports a shared prefix anywhere in the frame."""
    return pl.col("shared_prefix_tokens").is_not_null().any().over("source_id")


def shared_tokens() -> pl.Expr:
    """Shared tokens of a call: 0 for a call without parent, null where the source reports no lineage."""
    return pl.when(pl.col("reports_lineage")).then(pl.col("shared_prefix_tokens").fill_null(0))


def shared_total_tokens() -> pl.Expr:
    """Sum of shared tokens of a group; null where its sources report no lineage."""
    return known_sum(pl.col("shared_tokens"))


def shared_over_input_ratio() -> pl.Expr:
    """Shared tokens over all input tokens of the calls that report both, first calls included; null if none do."""
    both = pl.col("shared_tokens").is_not_null() & pl.col("input_tokens").is_not_null()
    input_tokens = pl.col("input_tokens").filter(both).sum()
    return pl.when(input_tokens > 0).then(pl.col("shared_tokens").filter(both).sum() / input_tokens)


def known_sum(value: pl.Expr) -> pl.Expr:
    """Sum of what is known; null, not 0, where nothing is."""
    return pl.when(value.count() > 0).then(value.sum())
