"""Order inside sessions told by events: what each call came after, how long after, and which call asked for a tool."""

import polars as pl

from warehouse.ingest.checks import Check, plain_text, split_rows
from warehouse.ingest.ingested import TOOL_SCHEMA
from warehouse.ingest.tools import LONGEST_TOOL_S

__all__ = ["OBSERVED_TOOL_SCHEMA", "asked_tools", "with_order"]

OBSERVED_TOOL_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row_number": pl.Int64,
    "session_id": pl.String,
    "agent_id": pl.String,
    "kind": pl.String,
    "started_at": pl.Datetime("us", "UTC"),
    "duration_s": pl.Float64,
    "ok": pl.Boolean,
}
"""A tool run as an event tells it, before it is known which call asked for it."""


def with_order(calls: pl.DataFrame) -> pl.DataFrame:
    """Adds step_index, starts_after_call_id and gap_s, and sorts by session start and step.

    A call starts after the call before it of its own agent; the first call of a sub-agent after the latest call of its
    session that had ended by then. The gap is unknown where that call's end is.

    Args:
        calls: row_number, call_id, session_id, agent_id, requested_at and duration_s.
    """
    end = pl.col("requested_at") + pl.duration(microseconds=(pl.col("duration_s") * 1e6).round().cast(pl.Int64))
    own = ["session_id", "agent_id"]
    ordered = calls.sort("requested_at", "row_number").with_columns(end.alias("_end"))
    chained = ordered.with_columns(
        step_index=pl.int_range(pl.len(), dtype=pl.Int64).over("session_id"),
        _before=pl.col("call_id").shift(1).over(own),
        _before_end=pl.col("_end").shift(1).over(own),
        _session_start=pl.col("requested_at").min().over("session_id"),
    )
    ended = chained.filter(pl.col("_end").is_not_null()).select(
        "session_id", _ended_call="call_id", _ended_at="_end", _at="_end"
    )
    joined = chained.sort("requested_at").join_asof(
        ended.sort("_at"), left_on="requested_at", right_on="_at", by="session_id", check_sortedness=False
    )
    first_of_agent = pl.col("_before").is_null()
    before_end = pl.when(first_of_agent).then("_ended_at").otherwise("_before_end")
    gap_s = (pl.col("requested_at") - before_end).dt.total_microseconds() / 1e6
    return (
        joined.with_columns(
            starts_after_call_id=pl.when(first_of_agent).then("_ended_call").otherwise("_before"),
            gap_s=gap_s.clip(lower_bound=0.0),
        )
        .sort("_session_start", "session_id", "step_index")
        .drop("_before", "_before_end", "_session_start", "_ended_call", "_ended_at", "_end", "_at", strict=False)
    )


def asked_tools(tools: pl.DataFrame, calls: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tool runs with the call that asked for each: the latest call of its agent, else of its session, begun before it.

    Args:
        tools: columns of OBSERVED_TOOL_SCHEMA.
        calls: call_id, session_id, agent_id and requested_at.

    Returns:
        Columns of TOOL_SCHEMA, and the refused runs under their row numbers.
    """
    keyed = calls.select("call_id", "session_id", pl.col("agent_id").fill_null(""), _at="requested_at").sort("_at")
    asked = tools.with_columns(pl.col("agent_id").fill_null("")).sort("started_at")
    by_agent = asked.join_asof(
        keyed, left_on="started_at", right_on="_at", by=["session_id", "agent_id"], check_sortedness=False
    )
    by_session = by_agent.drop("_at", strict=False).join_asof(
        keyed.select("session_id", "_at", _any_call="call_id"),
        left_on="started_at",
        right_on="_at",
        by="session_id",
        check_sortedness=False,
    )
    placed = by_session.with_columns(pl.coalesce("call_id", "_any_call").alias("call_id"), plain_text("kind"))
    good, refused = split_rows(placed.sort("row_number"), _checks(), pl.struct("duration_s", "ok").struct.json_encode())
    return good.select(*TOOL_SCHEMA), refused


def _checks() -> list[Check]:
    return [
        Check(
            rule="tool_is_told",
            holds=pl.all_horizontal(pl.col("kind", "started_at", "duration_s", "ok").is_not_null()),
            reason=pl.lit("the tool's name, start, duration or outcome is missing"),
        ),
        Check(
            rule="tool_time_is_plausible",
            holds=pl.col("duration_s").is_between(0, LONGEST_TOOL_S)
            & pl.col("started_at").dt.year().is_between(2015, 2100),
            reason=pl.format("the tool starts at {} and takes {} s", "started_at", "duration_s"),
        ),
        Check(
            rule="tool_has_call",
            holds=pl.col("call_id").is_not_null(),
            reason=pl.lit("the trace holds no usable model call of this session before the tool"),
        ),
    ]
