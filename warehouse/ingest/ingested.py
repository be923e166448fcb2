"""What an adapter hands over: the good calls it parsed (`Parsed`), and the finished frames (`Ingested`)."""

from dataclasses import dataclass, field

import polars as pl

__all__ = ["REFUSED_SCHEMA", "TOOL_SCHEMA", "Ingested", "Parsed"]

REFUSED_SCHEMA: dict[str, type[pl.DataType]] = {
    "row_number": pl.Int64,
    "rule": pl.String,
    "reason": pl.String,
    "raw": pl.String,
}
"""A refused row before its source is written beside it; an optional `source_name` overrides the trace's name."""
TOOL_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "call_id": pl.String,  # the model call that asked for it
    "kind": pl.String,
    "started_at": pl.Datetime("us", "UTC"),
    "duration_s": pl.Float64,
    "ok": pl.Boolean,
}
"""A tool call as an adapter hands it over; what the trace does not tell is null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The rows of one trace after its adapter: columns of ModelCalls as far as the trace tells, plus `row_number`."""

    calls: pl.DataFrame
    refused: pl.DataFrame
    rows_read: int
    notes: tuple[str, ...]
    tools: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=TOOL_SCHEMA))
    """Columns of TOOL_SCHEMA; empty where the trace tells of no tools."""
    other_rows: int = 0
    """Good rows of the trace that are no model calls: events of tools, spans of agents."""
    one_call_sessions: bool = False
    """Whether every call is a session of its own, as in traces that tell no sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """A trace as frames that satisfy their contracts.

    `rows_read` = `rows_kept` + rows of `quarantine` whose `row_number` is above 0. Sub-agent markers of a weka trace
    are no calls: they are read for their times and counted in the notes, not in `rows_read`.
    """

    model_calls: pl.DataFrame
    """Contract ModelCalls, sorted by session start and step."""
    tool_calls: pl.DataFrame
    """Contract ToolCalls; empty where the format does not tell how long a tool ran."""
    sessions: pl.DataFrame
    """Contract Sessions."""
    quarantine: pl.DataFrame
    """Contract Quarantine: every refused row with its rule and reason."""
    source_id: str
    """First 16 hex digits of the SHA-256 of the content."""
    source_name: str
    rows_read: int
    rows_kept: int
    """Good rows: the model calls and other rows that were used; windows where the trace tells rates and no calls."""
    notes: tuple[str, ...]
    """What was assumed, dropped or could not be told, one sentence each."""
    client_windows: pl.DataFrame | None = None
    """Contract ClientWindows where the trace tells rates of clients; `model_calls` are then a draw from it."""
    client_lengths: pl.DataFrame | None = None
    """Contract ClientLengths where the trace tells histograms of lengths."""
