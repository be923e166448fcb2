"""Events of Dynamo's request trace, nested JSON lines or a flattened Parquet table, as rows of one frame."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.reading.source import Source, is_parquet, read_parquet

__all__ = ["EVENT_SCHEMA", "TABLE_COLUMNS", "read_events"]

EVENT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row_number": pl.Int64,
    "problem": pl.String,
    "schema": pl.String,
    "event_type": pl.String,
    "event_ms": pl.Float64,
    "session": pl.String,
    "parent_session": pl.String,
    "request_id": pl.String,
    "model": pl.String,
    "finish": pl.String,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "cached_tokens": pl.Int64,
    "received_ms": pl.Float64,
    "wait_ms": pl.Float64,
    "ttft_ms": pl.Float64,
    "total_ms": pl.Float64,
    "block_size": pl.Int64,
    "has_hashes": pl.Boolean,
    "hashes": pl.List(pl.Int64),
    "tool_id": pl.String,
    "tool": pl.String,
    "tool_status": pl.String,
    "tool_started_ms": pl.Float64,
    "tool_ended_ms": pl.Float64,
    "tool_ms": pl.Float64,
}
TABLE_COLUMNS = ("event_type", "event_time_unix_ms", "agent_context", "input_sequence_hashes", "trace_block_size")
LONGEST_LINE_BYTES = 1 << 23
"""Assumed: an event takes at most 8 MB; a context of a million tokens in blocks of 16 takes 1.3 MB."""
INT64, UINT64 = 2**63, 2**64
LONGEST_TEXT = 1000


def read_events(source: Source) -> pl.DataFrame:
    """All events, readable or not.

    Raises:
        UnreadableTrace: if it is a Parquet file of something else.
    """
    events = _table_events(source) if is_parquet(source.content) else _line_events(source.content)
    rows = [{"row_number": at, **_row(event)} for at, event in enumerate(events, start=1)]
    return pl.DataFrame(rows, schema=EVENT_SCHEMA, orient="row")


def _table_events(source: Source) -> Iterator[dict[str, Any]]:
    frame = read_parquet(source)
    lacking = [name for name in TABLE_COLUMNS if name not in frame.columns]
    if lacking:
        raise UnreadableTrace(f"{source.path}: lacks columns of dynamo events: {', '.join(lacking)}")
    for row in frame.iter_rows(named=True):
        nested = {name: _unpacked(row.get(name)) for name in ("agent_context", "tool")}
        yield {**row, **nested}


def _unpacked(value: Any) -> Any:
    """An object kept as JSON text in a cell."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value[:LONGEST_LINE_BYTES])
    except (ValueError, RecursionError):
        return None


def _line_events(content: bytes) -> Iterator[dict[str, Any] | str]:
    for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        if not line.strip():
            continue
        if len(line) > LONGEST_LINE_BYTES:
            yield f"the line has {len(line):,} bytes, more than {LONGEST_LINE_BYTES:,}"
            continue
        try:
            value = json.loads(line)
        except RecursionError:
            yield "the line is nested too deeply"
        except UnicodeDecodeError:
            yield "the line holds bytes that are not UTF-8"
        except ValueError:
            yield "the line is not JSON (cut short?)"
        else:
            wrapped = value.get("event") if isinstance(value, dict) else None
            event = wrapped if isinstance(wrapped, dict) else value
            yield event if isinstance(event, dict) else "the line is JSON, but not an event"


def _row(event: Mapping[str, Any] | str) -> dict[str, Any]:
    if isinstance(event, str):
        return {"problem": event}
    request = _object(event, "request") or event
    replay = _object(request, "replay") or request
    context, tool, finish = (_object(event, name) or {} for name in ("agent_context", "tool", "finish_reason_metadata"))
    finish = _object(request, "finish_reason_metadata") or finish
    hashes = replay.get("input_sequence_hashes")
    length = request.get("input_tokens")
    return {
        "problem": None,
        "schema": _text(event.get("schema")),
        "event_type": _text(event.get("event_type")),
        "event_ms": _number(event.get("event_time_unix_ms")),
        "session": _text(context.get("session_id")) or _text(event.get("session_id")),
        "parent_session": _text(context.get("parent_session_id")) or _text(event.get("parent_session_id")),
        "request_id": _text(request.get("request_id")),
        "model": _text(request.get("model")),
        "finish": _text(finish.get("finish_reason")),
        "input_tokens": _whole(replay.get("input_length") if length is None else length),
        "output_tokens": _whole(request.get("output_tokens")),
        "cached_tokens": _whole(request.get("cached_tokens")),
        "received_ms": _number(request.get("request_received_ms")),
        "wait_ms": _number(request.get("prefill_wait_time_ms")),
        "ttft_ms": _number(request.get("ttft_ms")),
        "total_ms": _number(request.get("total_time_ms")),
        "block_size": _whole(replay.get("trace_block_size")),
        "has_hashes": hashes is not None,
        "hashes": _signed(hashes),
        "tool_id": _text(tool.get("tool_call_id")),
        "tool": _text(tool.get("tool_class")) or _text(tool.get("tool_name")),
        "tool_status": _text(tool.get("status")),
        "tool_started_ms": _number(tool.get("started_at_unix_ms")),
        "tool_ended_ms": _number(tool.get("ended_at_unix_ms")),
        "tool_ms": _number(tool.get("duration_ms")),
    }


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = holder.get(name)
    return value if isinstance(value, dict) else None


def _signed(hashes: Any) -> list[int] | None:
    """64-bit hashes as signed numbers: only whether two are equal matters."""
    if not isinstance(hashes, list):
        return None
    if not all(isinstance(one, int) and not isinstance(one, bool) and -INT64 <= one < UINT64 for one in hashes):
        return None
    return [one - UINT64 if one >= INT64 else one for one in hashes]


def _text(value: Any) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    return value[:LONGEST_TEXT].encode("utf-8", errors="replace").decode("utf-8")


def _number(value: Any) -> float | None:
    """A number; NaN where it is something else, null where missing."""
    if value is None:
        return None
    plain = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < INT64
    return float(value) if plain else float("nan")


def _whole(value: Any) -> int | None:
    """A whole number, null where missing, -1 (refused later) where it is something else."""
    number = _number(value)
    if number is None:
        return None
    return int(number) if number == number // 1 else -1
