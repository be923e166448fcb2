"""The workload mix: volume, percentiles and shares of each surface and day."""

import dataframely as dy
import polars as pl

from featurize.lineage import reports_lineage, shared_over_input_ratio, shared_tokens, shared_total_tokens
from featurize.neighbours import id_key
from featurize.quantiles import known_quantile
from warehouse.contracts import WorkloadMix


def workload_mix(calls: pl.LazyFrame) -> dy.LazyFrame[WorkloadMix]:
    """Volume and exact percentiles by surface and day; a share is of all calls of the day.

    A session that spans days counts on each of them, with the calls that it made there.

    Args:
        calls: frame valid under `ModelCalls`.
    """
    keys = ("surface", "day")
    per_session = (
        calls.group_by(*keys, session_key=id_key("session_id"))
        .agg(call_count=pl.len())
        .group_by(keys)
        .agg(
            session_count=pl.len().cast(pl.Int64),
            calls_per_session_p50_count=known_quantile(pl.col("call_count"), 0.5),
        )
    )
    per_call = (
        calls.with_columns(reports_lineage=reports_lineage())
        .with_columns(shared_tokens=shared_tokens())
        .group_by(keys)
        .agg(
            pl.col("input_tokens").sum(),
            pl.col("output_tokens").sum(),
            *token_percentiles("input"),
            *token_percentiles("output"),
            call_count=pl.len().cast(pl.Int64),
            shared_prefix_tokens=shared_total_tokens(),
            shared_ratio=shared_over_input_ratio(),
            ttft_p50_s=known_quantile(pl.col("ttft_s"), 0.5),
            ttft_p95_s=known_quantile(pl.col("ttft_s"), 0.95),
            cut_ratio=cut_ratio(),
        )
    )
    return WorkloadMix.cast(
        per_call.join(per_session, on=keys, how="left").with_columns(call_share_ratio=share_of_day_ratio())
    )


def token_percentiles(side: str) -> list[pl.Expr]:
    """p50, p90 and p99 of input or output tokens, interpolated as numpy does."""
    return [
        known_quantile(pl.col(f"{side}_tokens"), percent / 100).alias(f"{side}_p{percent}_tokens")
        for percent in (50, 90, 99)
    ]


def cut_ratio() -> pl.Expr:
    """Share of calls that did not end with status ok."""
    return (pl.col("status") != "ok").mean()


def share_of_day_ratio() -> pl.Expr:
    """A surface's calls over all calls of the day."""
    return pl.col("call_count") / pl.col("call_count").sum().over("day")
