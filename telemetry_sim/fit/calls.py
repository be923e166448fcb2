"""A trace laid out for fitting: main-agent calls by session, each with the call before and who drove it."""

from dataclasses import dataclass

import polars as pl

from telemetry_sim.fitted.surface import Driver


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceCalls:
    """What the laws are fitted to."""

    main: pl.DataFrame
    """Calls of main agents, sorted by session and step, with columns `driver`, `before_*`, `growth_tokens`."""
    told: frozenset[str]
    """Columns that are not null everywhere."""


def laid_out(calls: pl.DataFrame, end_ratio: pl.DataFrame | None = None) -> TraceCalls:
    """Sorts the calls of main agents and adds what a call follows.

    Args:
        calls: A `ModelCalls` frame. Calls without input or output tokens are left out.
        end_ratio: Chance that a session's last call was its true end (columns call_id, ended); by default certain.
    """
    told = frozenset(name for name in calls.columns if calls[name].null_count() < calls.height)
    kept = calls.filter(
        pl.col("agent_id").is_null(), pl.col("input_tokens").is_not_null(), pl.col("output_tokens").is_not_null()
    ).sort("session_id", "step_index", maintain_order=True)
    before = [
        pl.col(name).shift(1).over("session_id").alias(f"before_{name}")
        for name in ("input_tokens", "output_tokens", "turn_id", "call_id")
    ]
    opening = pl.col("before_input_tokens").is_null()
    human = pl.col("turn_id") != pl.col("before_turn_id")
    driver = pl.when(opening).then(pl.lit(Driver.OPENING.value)).when(human).then(pl.lit(Driver.HUMAN.value))
    main = kept.with_columns(before).with_columns(
        driver=driver.otherwise(pl.lit(Driver.TOOL.value)),
        growth_tokens=pl.col("input_tokens") - pl.col("before_input_tokens"),
        place=pl.int_range(pl.len()).over("session_id"),
        calls_count=pl.len().over("session_id"),
        session=pl.col("session_id").rle_id().cast(pl.Int64),
    )
    if end_ratio is None:
        return TraceCalls(main=main.with_columns(ended=pl.lit(1.0)), told=told)
    return TraceCalls(main=main.join(end_ratio, on="call_id", how="left", maintain_order="left"), told=told)
