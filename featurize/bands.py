"""Bands that features group by: context length, doublings of a count, and time to first token."""

from itertools import pairwise

import polars as pl

UNKNOWN_BAND = "unknown"
"""Label of rows whose context length was not reported."""

_CONTEXT_EDGES_TOKENS = (4096, 16384, 65536, 131072, 262144)

CONTEXT_BANDS: tuple[str, ...] = ("<4K", "4-16K", "16-64K", "64-128K", "128-256K", ">=256K", UNKNOWN_BAND)
"""Labels of `context_band` from short to long (K = 1024 tokens)."""

WAIT_EDGES_S: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Lower edges of the bands of a wait; the last band is open."""


def context_band(tokens: pl.Expr) -> pl.Expr:
    """Label of the context band that a prompt length falls in; `unknown` for null."""
    label = pl.lit(CONTEXT_BANDS[0])
    for edge_tokens, name in zip(_CONTEXT_EDGES_TOKENS, CONTEXT_BANDS[1:-1], strict=True):
        label = pl.when(tokens >= edge_tokens).then(pl.lit(name)).otherwise(label)
    return pl.when(tokens.is_null()).then(pl.lit(UNKNOWN_BAND)).otherwise(label)


def doubling_order(count: pl.Expr) -> pl.Expr:
    """Floor of log2 of a count of at least 1, exact for every Int64: 1 -> 0, 2..3 -> 1, 4..7 -> 2."""
    return 63 - count.clip(lower_bound=1).bitwise_leading_zeros().cast(pl.Int64)


def doubling_label(order: pl.Expr) -> pl.Expr:
    """Label of a doubling band: 0 -> '1', 1 -> '2-3', 2 -> '4-7'."""
    low = pl.lit(2, pl.Int64).pow(order)
    return pl.when(order == 0).then(pl.lit("1")).otherwise(pl.format("{}-{}", low, 2 * low - 1))


def wait_low_s(wait_s: pl.Expr) -> pl.Expr:
    """Lower edge of the band that a wait falls in (bands are closed below and open above)."""
    return _edge_expression(wait_s, tuple((low, low) for low in WAIT_EDGES_S))


def wait_high_s(wait_s: pl.Expr) -> pl.Expr:
    """Upper edge of the band that a wait falls in; null for the last, open band."""
    return _edge_expression(wait_s, (*pairwise(WAIT_EDGES_S), (WAIT_EDGES_S[-1], None)))


def _edge_expression(wait_s: pl.Expr, answer_by_low_s: tuple[tuple[float, float | None], ...]) -> pl.Expr:
    """For each band, by its lower edge, the answer that its waits get."""
    (_, first), *later = answer_by_low_s
    answer = pl.lit(first, pl.Float64)
    for low_s, value in later:
        answer = pl.when(wait_s >= low_s).then(pl.lit(value, pl.Float64)).otherwise(answer)
    return pl.when(wait_s.is_not_null()).then(answer)
