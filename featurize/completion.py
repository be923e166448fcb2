"""Completion of token counts that were cut short or not reported, from the law of like calls."""

from collections.abc import Sequence

import polars as pl

MIN_LIKE_CALLS_COUNT = 30
"""Complete calls that a group of like calls must hold before it is used; below, a wider group is. Assumed: the median
of 30 calls lies within about a quarter of the law's spread."""

_SEPARATOR = "\x1f"


def complete_tokens(
    frame: pl.LazyFrame, *, tokens: str, is_complete: str, like: Sequence[str], seed: int
) -> pl.LazyFrame:
    """Replace incomplete counts by draws from the conditional law of like calls, given what was seen.

    The law of a group is the product-limit estimate (Kaplan and Meier, JASA 53 (1958) 457): a call that was cut at
    s tokens still says that it wanted more than s, so cuts of long answers do not bias the law towards short ones. It
    assumes that, among like calls, the moment of the cut does not depend on the length that was intended. Beyond
    the longest count seen the law is closed there (Efron's tail), so a heavily cut group stays an underestimate.
    Each incomplete call gets the quantile of that law, given more than its own seen count, that a hash of its call_id
    and the seed names: the same call gets the same count in any order, and many calls keep the whole law.

    Args:
        frame: one row per `call_id`, with the columns named below.
        tokens: name of the count; null where nothing was seen.
        is_complete: name of the boolean column that says the count is whole.
        like: columns that make calls alike, the first mattering most; from the right they are given up until the
            group holds `MIN_LIKE_CALLS_COUNT` complete calls.
        seed: shifts every draw.

    Returns:
        `frame` with incomplete counts replaced, never by less than was seen, in no promised order. A count stays null
        if no call of the frame reports one.
    """
    frame = frame.cache()  # read several times below, and polars does not find that out by itself in a plan this large
    groups = [tuple(like[:size]) for size in range(len(like), -1, -1)]
    curves = _curves(frame, tokens=tokens, is_complete=is_complete, groups=groups).cache()
    names = frame.collect_schema().names()
    cut = (
        frame.with_columns(group=finest_filled_group(groups, pl.col(is_complete)))
        .filter(~pl.col(is_complete))
        .with_columns(seen_tokens=pl.col(tokens).fill_null(0), draw=uniform_draw("call_id", seed=seed))
    )
    completed = (
        cut.sort("seen_tokens")
        .join_asof(
            curves.select("group", "seen_tokens", survival_ratio="survival_ratio").sort("seen_tokens"),
            on="seen_tokens",
            by="group",
            strategy="backward",
            check_sortedness=False,
        )
        .with_columns(target_ratio=pl.col("draw") * pl.col("survival_ratio").fill_null(1.0))
        .sort("target_ratio")
        .join_asof(
            curves.filter(pl.col("is_drawable"))
            .select("group", target_ratio="survival_ratio", drawn_tokens="seen_tokens")
            .sort("target_ratio"),
            on="target_ratio",
            by="group",
            strategy="backward",
            check_sortedness=False,
        )
        .with_columns(pl.max_horizontal("drawn_tokens", tokens).alias(tokens))
    )
    return pl.concat([frame.filter(pl.col(is_complete)), completed.select(names)])


def _curves(frame: pl.LazyFrame, *, tokens: str, is_complete: str, groups: Sequence[tuple[str, ...]]) -> pl.LazyFrame:
    """Survival of every group at every count that it saw: group, seen_tokens, survival_ratio, is_drawable."""
    finest = groups[0]
    counts = (
        frame.filter(pl.col(tokens).is_not_null())
        .group_by(*finest, seen_tokens=pl.col(tokens))
        .agg(whole_count=pl.col(is_complete).sum(), seen_count=pl.len())
        .cache()
    )
    per_group = [
        counts.group_by("seen_tokens", group=group_name(columns)).agg(
            pl.col("whole_count").sum().cast(pl.Float64), pl.col("seen_count").sum().cast(pl.Float64)
        )
        for columns in groups
    ]
    return (
        pl.concat(per_group)
        .sort("group", "seen_tokens")
        .with_columns(at_risk_count=at_risk_count(), is_last=is_longest_of_group())
        .with_columns(survival_ratio=survival_ratio())
        .select("group", "seen_tokens", "survival_ratio", is_drawable=(pl.col("whole_count") > 0) | pl.col("is_last"))
    )


def group_name(columns: Sequence[str]) -> pl.Expr:
    """Name of a group of like calls: how many columns it is made of, and their values."""
    values = [pl.col(column).cast(pl.String).fill_null("") for column in columns]
    return pl.concat_str([pl.lit(str(len(columns))), *values], separator=_SEPARATOR)


def finest_filled_group(groups: Sequence[tuple[str, ...]], is_complete: pl.Expr) -> pl.Expr:
    """Name of the finest group, in the order given, with enough complete calls; the last one if none has."""
    name = group_name(groups[-1])
    for columns in reversed(groups[:-1]):
        is_filled = is_complete.sum().over(columns) >= MIN_LIKE_CALLS_COUNT
        name = pl.when(is_filled).then(group_name(columns)).otherwise(name)
    return name


def at_risk_count() -> pl.Expr:
    """Calls of the group that saw at least this count (rows in order of group and count)."""
    return pl.col("seen_count").cum_sum(reverse=True).over("group")


def is_longest_of_group() -> pl.Expr:
    """Whether this is the longest count that the group saw."""
    return pl.col("seen_tokens") == pl.col("seen_tokens").max().over("group")


def survival_ratio() -> pl.Expr:
    """Share of like calls that want more than this count: the product of 1 - whole / at risk, 0 at the longest."""
    product = (1.0 - pl.col("whole_count") / pl.col("at_risk_count")).cum_prod().over("group")
    return pl.when(pl.col("is_last")).then(0.0).otherwise(product)


def uniform_draw(column: str, *, seed: int) -> pl.Expr:
    """A number in [0, 1) that a string column and a seed decide alone (53 bits of polars' 64-bit hash)."""
    return (pl.col(column).hash(seed) // 2**11).cast(pl.Float64) * 2.0**-53
