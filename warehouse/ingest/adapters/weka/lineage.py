"""Who follows whom inside a weka session: order of an agent's calls, shared prefixes, turns, predecessors and gaps."""

import numpy as np
import polars as pl

from warehouse.ingest.shaping.checks import Check
from warehouse.ingest.shaping.prefix_tree import BlockRuns, longest_shared_prefix

__all__ = ["ordered", "time_goes_forward", "with_lineage", "with_predecessors", "with_turns"]


def ordered(rows: pl.DataFrame) -> pl.DataFrame:
    """Calls of an agent together, in the trace's order, with their time from session start."""
    return rows.with_columns(
        trace_order=pl.col("row_number").min().over("trace_id"),
        agent_order=pl.col("row_number").min().over("trace_id", "agent_id"),
        at_s=pl.col("begin_s") + pl.col("t"),
    ).sort("trace_order", "agent_order", "seq", maintain_order=True)


def time_goes_forward() -> Check:
    """Refuses the odd one out: a call later than the next two, or earlier than the one before it."""
    here = pl.col("t")
    before, after, later = (here.shift(steps).over("agent_order") for steps in (1, -1, -2))
    is_spike = ((here > after) & (here > later) & (before.is_null() | (before <= after))).fill_null(value=False)
    after_spike = is_spike.shift(1).over("agent_order").fill_null(value=False)
    return Check(
        rule="time_goes_forward",
        holds=~is_spike & ((here >= before).fill_null(value=True) | after_spike),
        reason=pl.format(
            "t is {} between {} and {} of the agent's calls beside it", here, _shown(before), _shown(after)
        ),
    )


def _shown(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String).fill_null("nothing")


def with_lineage(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds the earlier call of the same agent that shares the longest prefix, and the shared tokens."""
    told = rows.filter("has_blocks")
    runs = BlockRuns(
        start=told["run_start"].explode(empty_as_null=False, keep_nulls=False).to_numpy(),
        length=told["run_len"].explode(empty_as_null=False, keep_nulls=False).to_numpy(),
        offset=np.concatenate(([0], np.cumsum(told["run_len"].list.len().to_numpy().astype(np.int64)))),
    )
    shared = longest_shared_prefix(told["agent_order"].to_numpy(), runs)
    held = pl.Series(shared.parent_row >= 0)
    ids = told["call_id"].gather(np.maximum(shared.parent_row, 0)) if told.height else told["call_id"]
    lineage = told.select(
        "row_number",
        parent_call_id=pl.when(held).then(ids),
        shared_prefix_tokens=pl.min_horizontal(pl.lit(pl.Series(shared.block_count)) * pl.col("block_size"), "in"),
    )
    return rows.join(lineage, on="row_number", how="left", maintain_order="left")


def with_turns(rows: pl.DataFrame) -> pl.DataFrame:
    """Numbers the human requests; a sub-agent's calls belong to the turn of the main call before its marker."""
    main = rows.filter(pl.col("agent_id").is_null())
    opens = pl.col("is_human") | (pl.int_range(pl.len()).over("trace_id") == 0)
    turns = main.select("row_number", "trace_id", "seq", turn_id=opens.cum_sum().over("trace_id").cast(pl.Int64) - 1)
    subs = rows.filter(pl.col("agent_id").is_not_null()).sort("root_marker_seq")
    by_marker = subs.select("row_number", "trace_id", "root_marker_seq").join_asof(
        turns.select("trace_id", "seq", "turn_id").sort("seq"),
        left_on="root_marker_seq",
        right_on="seq",
        by="trace_id",
        strategy="backward",
        check_sortedness=False,
    )
    both = pl.concat([turns.select("row_number", "turn_id"), by_marker.select("row_number", "turn_id")])
    return rows.join(both, on="row_number", how="left", maintain_order="left").with_columns(
        pl.col("turn_id").fill_null(0)
    )


def with_predecessors(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds the call that had to end first and the gap since its end.

    Within an agent: the call before, and think_time where given. First call of a sub-agent: the last call of its
    parent agent before the marker, and the time since that call's end where the trace tells it.
    """
    agent = pl.col("agent_id").fill_null("")
    previous = pl.struct("call_id", "at_s", "api_time").shift(1).over("agent_order")
    inside = rows.with_columns(before=previous, agent_key=agent, parent_key=pl.col("parent_agent_id").fill_null(""))
    firsts = inside.filter(pl.col("before").struct.field("call_id").is_null() & pl.col("agent_id").is_not_null())
    launched = (
        firsts.sort("marker_seq")
        .select("row_number", "trace_id", "parent_key", "marker_seq")
        .join_asof(
            inside.select("trace_id", "agent_key", "seq", launcher=pl.struct("call_id", "at_s", "api_time")).sort(
                "seq"
            ),
            left_on="marker_seq",
            right_on="seq",
            by_left=["trace_id", "parent_key"],
            by_right=["trace_id", "agent_key"],
            strategy="backward",
            check_sortedness=False,
        )
    )
    joined = inside.join(launched.select("row_number", "launcher"), on="row_number", how="left", maintain_order="left")
    before, launcher = pl.col("before").struct, pl.col("launcher").struct
    since = pl.col("at_s") - before.field("at_s")
    is_capped = before.field("api_time").is_null() & (pl.col("think_time") > since)
    waited = (pl.col("at_s") - launcher.field("at_s") - launcher.field("api_time")).clip(lower_bound=0).round(6)
    inner_gap = pl.when(is_capped).then(since).otherwise(pl.col("think_time"))
    has_before = before.field("call_id").is_not_null()
    return joined.with_columns(
        starts_after_call_id=pl.coalesce(before.field("call_id"), launcher.field("call_id")),
        gap_s=pl.when(has_before).then(inner_gap).otherwise(waited),
        _capped=(is_capped & has_before).fill_null(value=False),
    )
