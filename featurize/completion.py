"""Completion of token counts that were cut short or not reported, from the law of like calls."""

from collections.abc import Sequence

import polars as pl

from featurize.survival import group_name, seen_counts, survival_curve


def complete_tokens(
    frame: pl.LazyFrame, *, tokens: str, is_complete: str, like: Sequence[str], seed: int
) -> pl.LazyFrame:
    """Replace incomplete counts by draws from the conditional law of like calls, given what was seen.

    A call that was cut at s tokens still says that it wanted more than s, so the law of a group is its product-limit
    curve (`featurize.survival`), and cuts of long answers do not bias it towards short ones. It assumes that, among
    like calls, the moment of the cut does not depend on the length that was intended. Each incomplete call gets the
    quantile of that law, given more than its own count, that a hash of its call_id and the seed names: the same call
    gets the same count in any order, and many calls keep the whole law. A draw beyond the longest whole count of
    its group goes on in the next wider group; beyond the longest count of all there is nothing to learn, so a frame
    whose longest answers were all cut stays an underestimate.

    Args:
        frame: one row per `call_id`, with the columns named below.
        tokens: name of the count; null where nothing was seen.
        is_complete: name of the boolean column that says the count is whole.
        like: columns that make calls alike, the first mattering most; they are given up from the right.
        seed: shifts every draw.

    Returns:
        `frame` with incomplete counts replaced, never by less than was seen, in no promised order. A count stays null
        if no call of the frame reports one.
    """
    frame = frame.cache()  # read several times below; polars does not find that out by itself in a plan this large
    counts = seen_counts(frame, tokens=tokens, is_complete=is_complete, like=like).cache()
    drawn = frame.filter(~pl.col(is_complete)).with_columns(
        beyond_tokens=pl.col(tokens).fill_null(0),
        draw=uniform_draw("call_id", seed=seed),
        drawn_tokens=pl.lit(None, pl.Int64),
    )
    for size in range(len(like), -1, -1):
        drawn = _drawn_from_groups(drawn, survival_curve(counts, like[:size]).cache(), group_name(like[:size]))
    completed = drawn.with_columns(pl.max_horizontal("drawn_tokens", tokens).alias(tokens))
    return pl.concat([frame.filter(pl.col(is_complete)), completed.select(frame.collect_schema().names())])


def _drawn_from_groups(calls: pl.LazyFrame, curve: pl.LazyFrame, group: pl.Expr) -> pl.LazyFrame:
    """Draw for the calls that have no count yet; what falls beyond a group's curve is left for the next, wider one."""
    survival = curve.select("group", "seen_tokens", "survival_ratio").sort("seen_tokens")
    inverse = curve.filter("is_drawable").select("group", "survival_ratio", found_tokens="seen_tokens")
    open_tails = inverse.group_by("group").agg(
        tail_ratio=pl.col("survival_ratio").min(), tail_tokens=pl.col("found_tokens").max()
    )
    return (
        calls.with_columns(group=group)
        .sort("beyond_tokens")
        .join_asof(
            survival, left_on="beyond_tokens", right_on="seen_tokens", by="group", coalesce=True, check_sortedness=False
        )
        .with_columns(target_ratio=pl.col("draw") * pl.col("survival_ratio").fill_null(1.0))
        .drop("survival_ratio", "seen_tokens", strict=False)
        .sort("target_ratio")
        .join_asof(
            inverse.sort("survival_ratio"),
            left_on="target_ratio",
            right_on="survival_ratio",
            by="group",
            check_sortedness=False,
        )
        .join(open_tails, on="group", how="left")
        .with_columns(
            drawn_tokens=pl.coalesce("drawn_tokens", "found_tokens"),
            draw=draw_within_tail(),
            beyond_tokens=pl.max_horizontal("beyond_tokens", "tail_tokens"),
        )
        .select(calls.collect_schema().names())
    )


def draw_within_tail() -> pl.Expr:
    """The draw, rescaled to the part of the law beyond a group's last whole count where it fell beyond that."""
    is_beyond = pl.col("target_ratio") < pl.col("tail_ratio")
    return pl.when(is_beyond).then(pl.col("target_ratio") / pl.col("tail_ratio")).otherwise("draw")


def uniform_draw(column: str, *, seed: int) -> pl.Expr:
    """A number in [0, 1) that a string column and a seed decide alone (53 bits of polars' 64-bit hash)."""
    return (pl.col(column).hash(seed) // 2**11).cast(pl.Float64) * 2.0**-53
