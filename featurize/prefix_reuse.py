"""Prefix reuse: how much of the prompts was shared, how much of that the cache still held, and what the rest cost."""

import dataframely as dy
import polars as pl

from featurize.neighbours import id_key
from featurize.prefill_cost import prefill_cost
from warehouse.contracts import PrefixReuse

IDLE_EDGES_S: tuple[float, ...] = (0.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0)
"""Lower edges of the bands of idle time before a call; 300 s is the cache life that vendors sell, the last is open."""


def prefix_reuse(calls: pl.LazyFrame) -> dy.LazyFrame[PrefixReuse]:
    """Shared, cached and lost tokens by surface, band of idle time, model switch and day.

    A call with a parent tells how many tokens it shares with it and how many the cache gave. Lost tokens are the shared
    ones that the cache no longer held; they were computed again, at the seconds per uncached token that the surface's
    own times to first token tell on that day (`featurize.prefill_cost`), with its interval. Calls that do not report
    their cache count as shared, not as cached or lost: ratios are over those that report both.

    Args:
        calls: frame valid under `ModelCalls`.
    """
    reports = pl.col("cache_read_tokens").is_not_null()
    shared, cached = pl.col("shared_prefix_tokens"), pl.col("cache_read_tokens")
    lost = (shared - cached).clip(lower_bound=0)
    of_band = ("surface", "day", "idle_band", "is_model_switch")
    counted = ("call_count", "input_tokens", "shared_tokens", "told_count", "told_shared_tokens", "cached_tokens")
    return PrefixReuse.cast(
        _with_switches(calls)
        .group_by(of_band)
        .agg(
            call_count=pl.len().cast(pl.Int64),
            input_tokens=pl.col("input_tokens").sum(),
            shared_tokens=shared.sum(),
            told_count=reports.sum().cast(pl.Int64),
            told_shared_tokens=shared.filter(reports).sum(),
            cached_tokens=cached.sum(),
            lost_tokens=lost.sum(),
        )
        .select(*of_band, *counted, "lost_tokens", idle_low_s=band_edge_s(0), idle_high_s=band_edge_s(1))
        .join(prefill_cost(calls), on=("surface", "day"), how="left")
        .with_columns(
            reuse_ratio=pl.when(pl.col("input_tokens") > 0).then(pl.col("shared_tokens") / pl.col("input_tokens")),
            hit_ratio=pl.when(pl.col("told_shared_tokens") > 0).then(
                (pl.col("told_shared_tokens") - pl.col("lost_tokens")) / pl.col("told_shared_tokens")
            ),
            lost_s=pl.col("lost_tokens") * pl.col("uncached_s_per_tokens"),
            lost_low_s=pl.col("lost_tokens") * pl.col("uncached_low_s_per_tokens"),
            lost_high_s=pl.col("lost_tokens") * pl.col("uncached_high_s_per_tokens"),
            band=pl.struct("is_model_switch", pl.col("idle_band").fill_null(len(IDLE_EDGES_S)))
            .rank("ordinal")
            .over("surface", "day")
            .cast(pl.Int64),
        )
        .sort("day", "surface", "band")
    )


def cache_life_curve(reuse: pl.LazyFrame) -> pl.LazyFrame:
    """What share of the shared tokens a cache of a given life would keep, by surface: the idle-time law of reuse.

    A cache that keeps prefixes for `life_s` since their last use holds whatever is asked for again sooner. Calls whose
    idle time is not known are left out.

    Args:
        reuse: frame valid under `PrefixReuse`; days are pooled.

    Returns:
        Columns surface, life_s, kept_tokens, kept_ratio, sorted; the longest life is the open band's, with ratio 1.
    """
    return (
        reuse.filter(pl.col("idle_low_s").is_not_null())
        .group_by("surface", "idle_low_s", life_s=pl.col("idle_high_s").fill_null(float("inf")))
        .agg(pl.col("shared_tokens").sum())
        .sort("surface", "life_s")
        .with_columns(kept_tokens=pl.col("shared_tokens").cum_sum().over("surface"))
        .with_columns(kept_ratio=kept_ratio())
        .select("surface", "life_s", "kept_tokens", "kept_ratio")
    )


def kept_ratio() -> pl.Expr:
    """Tokens kept over all shared tokens of the surface."""
    whole = pl.col("shared_tokens").sum().over("surface")
    return pl.when(whole > 0).then(pl.col("kept_tokens") / whole)


def idle_band() -> pl.Expr:
    """Number of the band that a call's idle time falls in; null where the idle time is not known."""
    passed = [(pl.col("gap_s") >= low_s).cast(pl.Int8) for low_s in IDLE_EDGES_S[1:]]
    return pl.when(pl.col("gap_s").is_not_null()).then(pl.sum_horizontal(passed))


def band_edge_s(side: int) -> pl.Expr:
    """Lower (0) or upper (1) edge of the column `idle_band`; null for an unknown band and above the last one."""
    edges = dict(enumerate(IDLE_EDGES_S[side:]))
    return pl.col("idle_band").cast(pl.Int64).replace_strict(edges, default=None, return_dtype=pl.Float64)


def _with_switches(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Calls with a parent, their band of idle time, and whether another model answered them than their parent.

    Most parents stand in the row above; the others, which may be calls of another session (a fork, a shared system
    prompt), are looked up by key.
    """
    told = pl.col("parent_call_id").is_not_null() & pl.col("shared_prefix_tokens").is_not_null()
    columns = ("surface", "day", "input_tokens", "shared_prefix_tokens", "cache_read_tokens")
    keys = {"call_key": id_key("call_id"), "parent_key": id_key("parent_call_id"), "model": id_key("model")}
    is_above = (pl.col("parent_key") == pl.col("call_key").shift(1)).fill_null(value=False)
    seen = calls.select(*columns, idle_band=idle_band(), told=told, **keys).cache()
    mine = seen.with_columns(is_above=is_above, parent_model=pl.col("model").shift(1)).filter("told").cache()
    far = mine.filter(~pl.col("is_above")).drop("parent_model")
    sought = far.select("parent_key").unique()
    found = seen.select(parent_key="call_key", parent_model="model").join(sought, "parent_key", "semi")
    answer = (*columns, "idle_band", is_model_switch().alias("is_model_switch"))
    far_answer = far.join(found, on="parent_key", how="left").select(answer)
    return pl.concat([mine.filter("is_above").select(answer), far_answer])


def is_model_switch() -> pl.Expr:
    """Whether both models are known and differ."""
    return (pl.col("model") != pl.col("parent_model")).fill_null(value=False)
