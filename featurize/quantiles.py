"""Exact quantiles of what is known."""

import polars as pl


def known_quantile(value: pl.Expr, ratio: float) -> pl.Expr:
    """Exact quantile of the known values, interpolated as numpy does; null where nothing is known.

    Polars selects where there are no nulls and sorts where there are some: dropping them first halves the time.
    """
    return value.drop_nulls().quantile(ratio, "linear")
