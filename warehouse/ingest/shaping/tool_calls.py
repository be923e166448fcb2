"""Tool calls of a trace: completed to the contract, held to it, and tied to the model calls that were kept."""

import polars as pl

from warehouse.contracts import ToolCalls
from warehouse.ingest.ingested import REFUSED_SCHEMA, TOOL_SCHEMA
from warehouse.ingest.reading.source import Source
from warehouse.ingest.shaping.checks import Check, plain_text, split_rows

__all__ = ["LONGEST_TOOL_S", "OBSERVED_TOOL_SCHEMA", "asked_tools", "finish_tools"]

LONGEST_TOOL_S = 366 * 86_400.0
"""Assumed: no tool runs longer than a year; a larger number is in another unit."""
EARLIEST_YEAR, LATEST_YEAR = 2015, 2100
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


def finish_tools(tools: pl.DataFrame, calls: pl.DataFrame, source: Source) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tool calls under contract, and the refused ones.

    Args:
        tools: columns of TOOL_SCHEMA, in order of the trace; what was not told is null.
        calls: the good model calls, contract ModelCalls.
        source: the trace.

    Returns:
        Contract ToolCalls in order of the calls, and refused tool calls with row number 0: they are no rows of the
        trace, so they do not count as rows read.
    """
    if tools.is_empty():
        return ToolCalls.create_empty(), pl.DataFrame(schema=REFUSED_SCHEMA)
    of_call = calls.select("call_id", "session_id", "surface").with_row_index("_call")
    told = tools.select(*TOOL_SCHEMA).with_columns(
        row_number=pl.lit(0, dtype=pl.Int64),
        place=pl.int_range(pl.len(), dtype=pl.Int64).over("call_id"),
        kind=plain_text("kind"),
    )
    joined = told.join(of_call, on="call_id", how="left", maintain_order="left")
    which = pl.format("tool call {} of {}", "place", "call_id")
    has_call = Check(
        rule="tool_has_call",
        holds=pl.col("session_id").is_not_null(),
        reason=which + pl.lit(": the trace holds no usable model call that asked for it"),
    )
    shown = pl.struct("call_id", "place", "duration_s").struct.json_encode()
    good, refused = split_rows(joined, [has_call, *_told(which)], shown)
    finished = good.sort("_call", "place").select(
        tool_call_id=pl.format("{}-t{}", "call_id", "place"),
        call_id="call_id",
        session_id="session_id",
        surface="surface",
        kind="kind",
        started_at="started_at",
        duration_s="duration_s",
        ok="ok",
        source_id=pl.lit(source.source_id),
        day=pl.col("started_at").dt.date(),
    )
    return ToolCalls.validate(finished, cast=True), refused


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
    has_call = Check(
        rule="tool_has_call",
        holds=pl.col("call_id").is_not_null(),
        reason=pl.lit("the trace holds no usable model call of this session before the tool"),
    )
    placed = by_session.with_columns(pl.coalesce("call_id", "_any_call").alias("call_id"), plain_text("kind"))
    good, refused = split_rows(
        placed.sort("row_number"),
        [*_told(pl.lit("the tool")), has_call],
        pl.struct("duration_s", "ok").struct.json_encode(),
    )
    return good.select(*TOOL_SCHEMA), refused


def _told(which: pl.Expr) -> list[Check]:
    """Rules of what a trace must tell of a tool run, which the reasons name as `which`."""
    return [
        Check(
            rule="tool_is_told",
            holds=pl.all_horizontal(pl.col("kind", "started_at", "duration_s", "ok").is_not_null()),
            reason=which + pl.lit(": its name, start, duration or outcome is missing or of another type"),
        ),
        Check(
            rule="tool_time_is_plausible",
            holds=pl.col("duration_s").is_between(0, LONGEST_TOOL_S)
            & pl.col("started_at").dt.year().is_between(EARLIEST_YEAR, LATEST_YEAR),
            reason=which + pl.format(" starts at {} and takes {} s", "started_at", "duration_s"),
        ),
    ]
