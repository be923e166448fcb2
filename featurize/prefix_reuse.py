"""Prefix reuse: how much of the prompts was shared, how much of that the cache still held, and what the rest cost."""

from itertools import pairwise

import dataframely as dy
import polars as pl

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
    linked = calls.filter(pl.col("parent_call_id").is_not_null() & pl.col("shared_prefix_tokens").is_not_null())
    reports = pl.col("cache_read_tokens").is_not_null()
    shared, cached = pl.col("shared_prefix_tokens"), pl.col("cache_read_tokens")
    lost = (shared - cached).clip(lower_bound=0)
    keys = ("surface", "idle_low_s", "idle_high_s", "is_model_switch", "day")
    return PrefixReuse.cast(
        linked.join(_switching_calls(calls), on="call_id", how="left")
        .with_columns(
            idle_low_s=band_of_idle_s(tuple((low, low) for low in IDLE_EDGES_S)),
            idle_high_s=band_of_idle_s((*pairwise(IDLE_EDGES_S), (IDLE_EDGES_S[-1], None))),
            is_model_switch=pl.col("is_model_switch").fill_null(value=False),
        )
        .group_by(keys)
        .agg(
            call_count=pl.len().cast(pl.Int64),
            input_tokens=pl.col("input_tokens").sum(),
            shared_tokens=shared.sum(),
            told_count=reports.sum().cast(pl.Int64),
            told_shared_tokens=shared.filter(reports).sum(),
            cached_tokens=cached.sum(),
            lost_tokens=lost.sum(),
        )
        .join(prefill_cost(calls), on=("surface", "day"), how="left")
        .with_columns(
            reuse_ratio=pl.when(pl.col("input_tokens") > 0).then(pl.col("shared_tokens") / pl.col("input_tokens")),
            hit_ratio=pl.when(pl.col("told_shared_tokens") > 0).then(
                (pl.col("told_shared_tokens") - pl.col("lost_tokens")) / pl.col("told_shared_tokens")
            ),
            lost_s=pl.col("lost_tokens") * pl.col("uncached_s_per_tokens"),
            lost_low_s=pl.col("lost_tokens") * pl.col("uncached_low_s_per_tokens"),
            lost_high_s=pl.col("lost_tokens") * pl.col("uncached_high_s_per_tokens"),
            band=pl.struct("is_model_switch", pl.col("idle_low_s").fill_null(float("inf")))
            .rank("ordinal")
            .over("surface", "day")
            .cast(pl.Int64),
        )
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


def band_of_idle_s(answer_by_low_s: tuple[tuple[float, float | None], ...]) -> pl.Expr:
    """The answer of the band that a call's idle time falls in; null where the idle time is not known."""
    chosen = pl.lit(answer_by_low_s[0][1], dtype=pl.Float64)
    for low_s, answer_s in answer_by_low_s[1:]:
        chosen = pl.when(pl.col("gap_s") >= low_s).then(pl.lit(answer_s, dtype=pl.Float64)).otherwise(chosen)
    return pl.when(pl.col("gap_s").is_not_null()).then(chosen)


def _switching_calls(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Calls that another model answered than their parent; only sessions with several models are joined."""
    known = calls.filter(pl.col("model").is_not_null()).select("call_id", "session_id", "model", "parent_call_id")
    several = known.group_by("session_id").agg(models=pl.col("model").n_unique()).filter(pl.col("models") > 1)
    mine = known.join(several.select("session_id"), on="session_id", how="semi")
    parents = mine.select(parent_call_id="call_id", parent_model="model")
    return mine.join(parents, on="parent_call_id", how="inner").select(
        "call_id", is_model_switch=pl.col("model") != pl.col("parent_model")
    )
