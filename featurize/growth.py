"""Context growth: how long prompts are at each turn of a conversation or step of an agent, from day to day."""

import dataframely as dy
import polars as pl

from featurize.bands import doubling_label, doubling_order
from featurize.calls import is_agent
from featurize.quantiles import known_quantile
from warehouse.contracts import ContextGrowth


def context_growth(calls: pl.LazyFrame) -> dy.LazyFrame[ContextGrowth]:
    """Prompt length and what a call adds to it, by doubling bands of the step (agents) or turn (others) and day.

    Sub-agents start with a context of their own and are left out.

    Args:
        calls: frame valid under `ModelCalls`.
    """
    keys = ("surface", "step_order", "day")
    return ContextGrowth.cast(
        calls.filter(pl.col("agent_id").is_null())
        .with_columns(step_order=doubling_order(place_in_conversation()))
        .group_by(keys)
        .agg(
            call_count=pl.len().cast(pl.Int64),
            input_p50_tokens=known_quantile(pl.col("input_tokens"), 0.5),
            input_p90_tokens=known_quantile(pl.col("input_tokens"), 0.9),
            added_p50_tokens=known_quantile(added_tokens(), 0.5),
            added_p90_tokens=known_quantile(added_tokens(), 0.9),
        )
        .with_columns(step_band=doubling_label(pl.col("step_order")))
    )


def added_tokens() -> pl.Expr:
    """Prompt tokens that are not shared with the call before."""
    return pl.col("input_tokens") - pl.col("shared_prefix_tokens")


def place_in_conversation() -> pl.Expr:
    """Number, from 1, of the step of an agent or of the turn of any other surface."""
    return pl.when(is_agent()).then(pl.col("step_index")).otherwise(pl.col("turn_id")) + 1
