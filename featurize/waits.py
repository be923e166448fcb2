"""The wait profile: where users wait, by surface, phase, context band and kind of wait."""

import dataframely as dy
import polars as pl

from featurize.bands import CONTEXT_BANDS, context_band
from featurize.calls import WAITS, call_waits
from featurize.quantiles import known_quantile
from warehouse.contracts import WaitProfile

ANY_PHASE = "any"
"""Phase of calls whose phase is not known."""


def wait_profile(calls: pl.LazyFrame, tools: pl.LazyFrame) -> dy.LazyFrame[WaitProfile]:
    """Count, total and percentiles of each kind of wait.

    Calls whose wait is not known are not counted; a kind that nobody reports has no row. What belongs to which kind is
    told at `featurize.calls.call_waits`.

    Args:
        calls: frame valid under `ModelCalls`.
        tools: frame valid under `ToolCalls`; may be empty.
    """
    keys = ("surface", "phase", "context_band", "day")
    return WaitProfile.cast(
        call_waits(calls, tools, keep=("surface", "phase", "input_tokens", "day"))
        .with_columns(
            phase=known_phase().cast(pl.Categorical),
            context_band=context_band(pl.col("input_tokens")).cast(pl.Enum(CONTEXT_BANDS)),
        )
        .group_by(keys, maintain_order=True)
        .agg(wait_statistics(wait) for wait in WAITS)
        .select(*keys, pl.concat_list(WAITS).alias("waits"))
        .explode("waits")
        .unnest("waits")
        .filter(pl.col("call_count") > 0)
    )


def waits_summary(profile: pl.LazyFrame) -> pl.LazyFrame:
    """Total of each wait by surface, over phases, bands and days, with its share of the surface's waits.

    Args:
        profile: frame valid under `WaitProfile`.

    Returns:
        Columns surface, wait, call_count, total_s, share_ratio (null where a surface waited for nothing).
    """
    return (
        profile.group_by("surface", "wait", maintain_order=True)
        .agg(pl.col("call_count").sum(), pl.col("total_s").sum())
        .with_columns(share_ratio=share_of_surface_ratio())
        .sort("surface", "total_s", descending=[False, True])
    )


def known_phase() -> pl.Expr:
    """The phase of an agent's loop, `any` where it is not told."""
    return pl.col("phase").fill_null(ANY_PHASE)


def wait_statistics(wait: str) -> pl.Expr:
    """Count, total and percentiles of one kind of wait, as a struct named after the kind."""
    seconds = pl.col(f"{wait}_wait_s")
    return pl.struct(
        pl.lit(wait).alias("wait"),
        seconds.count().cast(pl.Int64).alias("call_count"),
        seconds.sum().alias("total_s"),
        known_quantile(seconds, 0.5).alias("p50_s"),
        known_quantile(seconds, 0.95).alias("p95_s"),
    ).alias(wait)


def share_of_surface_ratio() -> pl.Expr:
    """A wait's total over all waits of its surface."""
    of_surface_s = pl.col("total_s").sum().over("surface")
    return pl.when(of_surface_s > 0).then(pl.col("total_s") / of_surface_s)
