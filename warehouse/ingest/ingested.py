"""What an adapter hands over: the good calls it parsed (`Parsed`), and the finished frames (`Ingested`)."""

from dataclasses import dataclass

import polars as pl

__all__ = ["REFUSED_SCHEMA", "Ingested", "Parsed"]

REFUSED_SCHEMA: dict[str, type[pl.DataType]] = {
    "row_number": pl.Int64,
    "rule": pl.String,
    "reason": pl.String,
    "raw": pl.String,
}
"""A refused row before its source is written beside it; an optional `source_name` overrides the trace's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The rows of one trace after its adapter: columns of ModelCalls as far as the trace tells, plus `row_number`."""

    calls: pl.DataFrame
    refused: pl.DataFrame
    rows_read: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """A trace as frames that satisfy their contracts.

    `rows_read` = rows of `model_calls` + rows of `quarantine` whose `row_number` is above 0. Sub-agent markers of a
    weka trace are no calls: they are read for their times and counted in the notes, not in `rows_read`.
    """

    model_calls: pl.DataFrame
    """Contract ModelCalls, sorted by session start and step."""
    tool_calls: pl.DataFrame
    """Contract ToolCalls; empty, as none of these formats tells how long a tool ran."""
    sessions: pl.DataFrame
    """Contract Sessions."""
    quarantine: pl.DataFrame
    """Contract Quarantine: every refused row with its rule and reason."""
    source_id: str
    """First 16 hex digits of the SHA-256 of the content."""
    source_name: str
    rows_read: int
    notes: tuple[str, ...]
    """What was assumed, dropped or could not be told, one sentence each."""
