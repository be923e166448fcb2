"""What an uncached prompt token costs in seconds, from the times to first token that the telemetry itself tells."""

import polars as pl

from featurize.bands import doubling_order

Z95 = 1.959963984540054
"""97.5 % point of the normal law, for a 95 % interval."""

SHORTEST_S = 0.01
"""Waits below this weigh no more than it. Assumed: below, clocks and networks are what scatters."""

BORROWED_COUNT = 10.0
"""Calls' worth of the usual scatter that a cell's variance is mixed with. Assumed: one call tells no variance."""

MIN_CALLS_COUNT = 100
"""Calls that a surface and day must hold. Assumed: below, the slope is mostly noise."""


FIGURES_COUNT = 9
"""Significant figures of a cost: far beyond what it is worth, and the same on every run."""


def prefill_cost(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Slope of the wait for the first token (known queue taken out) over uncached tokens, by surface and day.

    Least squares of prefill seconds on uncached tokens and prompt length, so that the cost of long contexts is not put
    on the cache. Calls are first summed in cells of both (half doublings of uncached tokens, doublings of the prompt),
    which keeps one pass over the calls; sums of floats by group depend on threads in their last digits, so seconds are
    summed as lists and results are rounded to `FIGURES_COUNT`. Long prefills scatter more: calls weigh by the inverse
    square of the typical wait of their number of uncached tokens, and the interval takes each cell's own variance
    (White, Econometrica 48 (1980) 817, on cells), small ones leaning on the usual scatter.

    Args:
        calls: frame valid under `ModelCalls`.

    Returns:
        Columns surface, day, uncached_s_per_tokens, uncached_low_s_per_tokens, uncached_high_s_per_tokens (at least 0);
        null where the calls do not tell (no cache reported, no first token, too few, all alike).
    """
    fresh = pl.col("input_tokens") - pl.col("cache_read_tokens")
    cells = (
        calls.filter(pl.col("ttft_s").is_not_null() & fresh.is_not_null() & (pl.col("status") == "ok"))
        .select("surface", "day", "input_tokens", fresh_tokens=fresh.cast(pl.Float64), prefill_s=prefill_s())
        .group_by(
            "surface",
            "day",
            fresh_order=(2.0 * (pl.col("fresh_tokens") + 1.0).log(2)).floor().cast(pl.Int32),
            input_order=doubling_order(pl.col("input_tokens") + 1),
        )
        .agg(
            n=pl.len().cast(pl.Float64),
            x=pl.col("fresh_tokens").mean(),
            z=pl.col("input_tokens").mean(),
            y=pl.col("prefill_s").implode().list.mean(),
            variance=pl.col("prefill_s").implode().list.var(),
        )
        .sort("surface", "day", "fresh_order", "input_order")
    )
    of_day = ("surface", "day")
    typical_s = ((pl.col("n") * pl.col("y")).sum() / pl.col("n").sum()).over(*of_day, "fresh_order")
    told, square = pl.col("variance").fill_null(0.0), typical_s.clip(lower_bound=SHORTEST_S).pow(2)
    scatter = (pl.col("n") * told / square).sum() / (pl.col("n") - 1.0).sum().clip(lower_bound=1.0)
    usual = scatter.over(of_day) * square
    centred = [(pl.col(name) - _mean(name).over(of_day)).alias(name) for name in ("x", "z", "y")]
    return (
        cells.with_columns(
            variance=(pl.col("n") * told + BORROWED_COUNT * usual) / (pl.col("n") + BORROWED_COUNT),
            w=pl.col("n") / typical_s.clip(lower_bound=SHORTEST_S).pow(2),
        )
        .with_columns(centred)
        .with_columns(
            left_x=pl.col("x") - (_product("x", "z") / _product("z", "z")).over(of_day).fill_nan(0.0) * pl.col("z")
        )
        .group_by(of_day, maintain_order=True)
        .agg(
            calls=pl.col("n").sum(),
            squares=_product("left_x", "left_x"),
            slope=_product("left_x", "y"),
            spread=(pl.col("w").pow(2) * pl.col("left_x").pow(2) * pl.col("variance") / pl.col("n")).sum(),
        )
        .filter((pl.col("calls") >= MIN_CALLS_COUNT) & (pl.col("squares") > 0))
        .select(
            *of_day,
            uncached_s_per_tokens=_at_least_0(pl.col("slope") / pl.col("squares")),
            uncached_low_s_per_tokens=_at_least_0(
                (pl.col("slope") - Z95 * pl.col("spread").sqrt()) / pl.col("squares")
            ),
            uncached_high_s_per_tokens=_at_least_0(
                (pl.col("slope") + Z95 * pl.col("spread").sqrt()) / pl.col("squares")
            ),
        )
    )


def prefill_s() -> pl.Expr:
    """Time to first token, less the known queue."""
    return (pl.col("ttft_s") - pl.col("queue_s").fill_null(0.0)).clip(lower_bound=0.0)


def _mean(name: str) -> pl.Expr:
    """Weighted mean over calls, from the cells' means."""
    return (pl.col("w") * pl.col(name)).sum() / pl.col("w").sum()


def _product(one: str, other: str) -> pl.Expr:
    """Weighted sum of products over calls, from the cells' means."""
    return (pl.col("w") * pl.col(one) * pl.col(other)).sum()


def _at_least_0(value: pl.Expr) -> pl.Expr:
    return value.clip(lower_bound=0.0).round_sig_figs(FIGURES_COUNT)
