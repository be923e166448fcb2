"""Product-limit curves: what share of like calls wants more than a count, learnt from whole and from cut counts."""

from collections.abc import Sequence

import polars as pl

MIN_LIKE_CALLS_COUNT = 30
"""Whole counts that a group of like calls must hold before it is used; below, a wider group is. Assumed: the median
of 30 draws is off by about a quarter of the law's spread."""

MIN_AT_RISK_COUNT = 10
"""Calls of a group that must have seen at least a count for its curve to be believed there. Assumed: with fewer, the
last whole count pulls the curve to 0 although the cut calls say that more was wanted."""

_SEPARATOR = "\x1f"


def seen_counts(frame: pl.LazyFrame, *, tokens: str, is_complete: str, like: Sequence[str]) -> pl.LazyFrame:
    """How often each count was seen among like calls: `like` columns, seen_tokens, whole_count, seen_count."""
    return (
        frame.filter(pl.col(tokens).is_not_null())
        .group_by(*like, seen_tokens=pl.col(tokens))
        .agg(whole_count=pl.col(is_complete).sum().cast(pl.Float64), seen_count=pl.len().cast(pl.Float64))
    )


def survival_curve(counts: pl.LazyFrame, like: Sequence[str]) -> pl.LazyFrame:
    """Product-limit curve of every group of like calls that holds enough whole counts.

    S(t) is the product over seen counts x <= t of 1 - whole(x) / seen at least x (Kaplan and Meier, JASA 53 (1958)
    457, doi:10.1080/01621459.1958.10501452). The widest group (no columns) is used whatever it holds, and is closed
    at the longest count seen (Efron's tail); narrower ones end open where too few calls are left, so that their
    tail can be borrowed.

    Args:
        counts: from `seen_counts`.
        like: the columns that make a group, a subset of those of `counts`.

    Returns:
        Sorted by group and count: group, seen_tokens, survival_ratio, is_drawable (somebody wanted exactly this).
    """
    is_widest = not like
    return (
        counts.group_by("seen_tokens", group=group_name(like))
        .agg(pl.col("whole_count", "seen_count").sum())
        .filter(holds_enough_whole_counts() | is_widest)
        .sort("group", "seen_tokens")
        .with_columns(at_risk_count=at_risk_count())
        .with_columns(survival_ratio=survival_ratio(), is_closed=is_longest_of_group() & is_widest)
        .filter((pl.col("at_risk_count") >= MIN_AT_RISK_COUNT) | is_widest)
        .select(
            "group",
            "seen_tokens",
            survival_ratio=pl.when(pl.col("is_closed")).then(0.0).otherwise("survival_ratio"),
            is_drawable=(pl.col("whole_count") > 0) | pl.col("is_closed"),
        )
    )


def group_name(columns: Sequence[str]) -> pl.Expr:
    """Name of a group of like calls: the values of its columns."""
    values = [pl.col(column).cast(pl.String).fill_null("") for column in columns]
    return pl.concat_str([pl.lit(""), *values], separator=_SEPARATOR)


def holds_enough_whole_counts() -> pl.Expr:
    """Whether the row's group holds enough whole counts to speak for itself."""
    return pl.col("whole_count").sum().over("group") >= MIN_LIKE_CALLS_COUNT


def is_longest_of_group() -> pl.Expr:
    """Whether this is the longest count that the group saw."""
    return pl.col("seen_tokens") == pl.col("seen_tokens").max().over("group")


def at_risk_count() -> pl.Expr:
    """Calls of the group that saw at least this count (rows in order of group and count)."""
    return pl.col("seen_count").cum_sum(reverse=True).over("group")


def survival_ratio() -> pl.Expr:
    """Share of a group that wants more than this count (rows in order of group and count)."""
    return (1.0 - pl.col("whole_count") / pl.col("at_risk_count")).cum_prod().over("group")
