"""Tool calls of a trace: completed to the contract, held to it, and tied to the model calls that were kept."""

import polars as pl

from warehouse.contracts import ToolCalls
from warehouse.ingest.checks import Check, plain_text, split_rows
from warehouse.ingest.ingested import REFUSED_SCHEMA, TOOL_SCHEMA
from warehouse.ingest.source import Source

__all__ = ["LONGEST_TOOL_S", "finish_tools"]

LONGEST_TOOL_S = 366 * 86_400.0
"""Assumed: no tool runs longer than a year; a larger number is in another unit."""
EARLIEST_YEAR, LATEST_YEAR = 2015, 2100


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
    good, refused = split_rows(joined, _checks(), pl.struct("call_id", "place", "duration_s").struct.json_encode())
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


def _checks() -> list[Check]:
    which = pl.format("tool call {} of {}: ", "place", "call_id")
    return [
        Check(
            rule="tool_has_call",
            holds=pl.col("session_id").is_not_null(),
            reason=which + pl.lit("the trace holds no usable model call that asked for it"),
        ),
        Check(
            rule="tool_is_told",
            holds=pl.all_horizontal(pl.col("kind", "started_at", "duration_s", "ok").is_not_null()),
            reason=which + pl.lit("kind, start, duration or outcome is missing or of another type"),
        ),
        Check(
            rule="tool_time_is_plausible",
            holds=pl.col("duration_s").is_between(0, LONGEST_TOOL_S)
            & pl.col("started_at").dt.year().is_between(EARLIEST_YEAR, LATEST_YEAR),
            reason=which + pl.format("it starts at {} and takes {} s", "started_at", "duration_s"),
        ),
    ]
