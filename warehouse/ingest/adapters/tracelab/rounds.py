"""Rounds of a TraceLab file as rows: numbers as told, times worked out from the events of a round, and its tools."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.reading.json_lines import decimal, iso_time, json_lines, key_names, text, whole
from warehouse.ingest.reading.source import Source, is_parquet, read_parquet
from warehouse.ingest.shaping.checks import content_note

__all__ = ["NEEDED", "ROUND_SCHEMA", "TOOLS_SCHEMA", "read_rounds"]

NEEDED = ("session_id", "round_index", "input_tokens_total", "output_tokens", "timing_events")
COUNTS = (
    "input_tokens_total", "prefix_tokens", "newly_append_tokens", "claude_uncached_input_tokens",
    "claude_cache_creation_input_tokens", "claude_cache_read_input_tokens", "output_tokens", "reasoning_output_tokens",
)  # fmt: skip
WORDS = ("session_id", "session_file", "round_id", "model")
UNUSED = {
    "provider", "project", "store", "trace_key", "turn_id", "home", "user", "first_input_event_type", "timing_events",
    "tools", "current_input_event_count", "current_user_message_count", "current_tool_result_count",
    "current_user_message_chars", "current_tool_result_chars", "current_input_chars",
}  # fmt: skip
INPUTS = {"user_message", "tool_result"}
OUTPUTS = {"reasoning", "text", "tool_call"}
ROUND_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row_number": pl.Int64,
    "problem": pl.String,
    **dict.fromkeys(WORDS, pl.String),
    "round_index": pl.Int64,
    **dict.fromkeys(COUNTS, pl.Int64),
    "odd_counts": pl.Boolean,  # a count is there but is no whole number
    "requested_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "has_input_event": pl.Boolean,
    "is_human": pl.Boolean,
}
TOOLS_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row_number": pl.Int64,
    "kind": pl.String,
    "started_at": pl.Datetime("us", "UTC"),
    "duration_s": pl.Float64,
    "ok": pl.Boolean,
}


def read_rounds(source: Source) -> tuple[pl.DataFrame, pl.DataFrame, tuple[str, ...]]:
    """Rounds (ROUND_SCHEMA), their tools (TOOLS_SCHEMA, tied by row_number), and notes.

    Raises:
        UnreadableTrace: if the keys are not those of TraceLab's rounds.
    """
    entries = list(_entries(source))
    names = key_names(value for _, value in entries[:1000])
    if not set(NEEDED) <= set(names):
        found = ", ".join(repr(name[:40]) for name in names[:12]) or "none (no line is a JSON object)"
        raise UnreadableTrace(
            f"{source.path}: keys found: {found}; tracelab rounds have {', '.join(NEEDED)}. Choose another format"
        )
    rounds = [_round(at, value) for at, value in entries]
    tools = [tool for at, value in entries if isinstance(value, dict) for tool in _tools(at, value)]
    spare = [name for name in names if name not in {*WORDS, *COUNTS, "round_index", *UNUSED}]
    return (
        pl.DataFrame(rounds, schema=ROUND_SCHEMA, orient="row"),
        pl.DataFrame(tools, schema=TOOLS_SCHEMA, orient="row"),
        content_note(spare),
    )


def _entries(source: Source) -> Iterator[tuple[int, dict[str, Any] | str]]:
    if not is_parquet(source.content):
        yield from json_lines(source)
        return
    yield from enumerate(read_parquet(source).iter_rows(named=True), start=1)


def _round(at: int, value: dict[str, Any] | str) -> dict[str, Any]:
    known = value if isinstance(value, dict) else {}
    counts = {name: whole(known.get(name)) for name in COUNTS}
    return {
        "row_number": at,
        "problem": None if isinstance(value, dict) else value,
        **{name: text(known.get(name)) for name in WORDS},
        "round_index": whole(known.get("round_index")),
        **counts,
        "odd_counts": any(counts[name] is None and known.get(name) is not None for name in COUNTS),
        **_times(_objects(known.get("timing_events"))),
    }


def _times(events: list[dict[str, Any]]) -> dict[str, Any]:
    """When a round was requested and ended, from its events.

    The request is the last input (user message, tool result) before the first output; the end is the last output.
    Events are written when a block is finished, so the first of them is no time to first token.
    """
    stamped = [(text(event.get("event_type")), iso_time(event.get("timestamp"))) for event in events]
    inputs = [at for kind, at in stamped if at is not None and kind in INPUTS]
    outputs = [at for kind, at in stamped if at is not None and kind in OUTPUTS]
    before = [at for at in inputs if not outputs or at <= min(outputs)]
    first = max(before) if before else min(outputs, default=None)
    return {
        "requested_at": first,
        "ended_at": max(outputs, default=None) if before else None,
        "has_input_event": bool(before),
        "is_human": any(kind == "user_message" for kind, _ in stamped),
    }


def _tools(at: int, known: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for tool in _objects(known.get("tools")):
        inside, outside = decimal(tool.get("tool_internal_latency_ms")), decimal(tool.get("tool_wall_latency_ms"))
        milliseconds = outside if inside is None else inside
        failed = tool.get("is_error")
        yield {
            "row_number": at,
            "kind": text(tool.get("tool_name")),
            "started_at": iso_time(tool.get("emitted_at")),
            "duration_s": None if milliseconds is None else milliseconds / 1000,
            "ok": not failed if isinstance(failed, bool) or failed is None else None,
        }


def _objects(value: object) -> list[dict[str, Any]]:
    """A list of objects, also where it is kept as JSON text; anything else in it is left out."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
