"""Session features: the size of each session, and where its time went."""

import dataframely as dy
import polars as pl

from featurize.calls import WAITS, call_waits
from featurize.lineage import known_sum, reports_lineage, shared_over_input_ratio, shared_tokens
from warehouse.contracts import SessionFeatures

_READ = (
    "session_id",
    "turn_id",
    "step_index",
    "input_tokens",
    "output_tokens",
    "shared_prefix_tokens",
    "status",
    "source_id",
)


def session_features(calls: pl.LazyFrame, tools: pl.LazyFrame, sessions: pl.LazyFrame) -> dy.LazyFrame[SessionFeatures]:
    """One row per session that has calls in the frame.

    A wait is the sum of what is known, and null where nothing is. In a session whose calls follow one another and whose
    waits are all known, queue, prefill, decode, service, tool and human time add up to the span; sub-agents that run
    side by side add more.

    Args:
        calls: frame valid under `ModelCalls`.
        tools: frame valid under `ToolCalls`; may be empty.
        sessions: frame valid under `Sessions`; sessions without calls in `calls` are left out.
    """
    of_calls = (
        call_waits(calls, tools, keep=_READ)
        .with_columns(reports_lineage=reports_lineage())
        .with_columns(shared_tokens=shared_tokens())
        .group_by("session_id", maintain_order=True)
        .agg(
            pl.col("turn_id").n_unique().cast(pl.Int64).alias("turn_count"),
            pl.len().cast(pl.Int64).alias("call_count"),
            first_input_tokens=input_of_first_step(),
            last_input_tokens=input_of_last_step(),
            peak_input_tokens=pl.col("input_tokens").max(),
            output_tokens=known_sum(pl.col("output_tokens")),
            shared_ratio=shared_over_input_ratio(),
            cut_count=cut_count(),
            **{f"{wait}_s": known_sum(pl.col(f"{wait}_wait_s")) for wait in WAITS},
        )
    )
    told = sessions.select(
        "session_id", "surface", "service_tier", "started_at", "outcome", "paid", "day", span_s=span_s()
    )
    return SessionFeatures.cast(told.join(of_calls, on="session_id", how="inner"))


def span_s() -> pl.Expr:
    """Start to end of a session."""
    return (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6


def input_of_first_step() -> pl.Expr:
    """Prompt length of the session's first call; null if that call did not report it."""
    return pl.col("input_tokens").min_by("step_index")


def input_of_last_step() -> pl.Expr:
    """Prompt length of the session's last call; null if that call did not report it."""
    return pl.col("input_tokens").max_by("step_index")


def cut_count() -> pl.Expr:
    """Calls that did not end with status ok."""
    return (pl.col("status") != "ok").sum().cast(pl.Int64)
