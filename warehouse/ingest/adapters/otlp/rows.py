"""Records of an OTLP export as rows of one frame: what each record is, whose it is, when it ran and what it counted."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import polars as pl

from warehouse.ingest.adapters.otlp.fields import CALL_OPERATIONS, COUNTS, TOOL_OPERATIONS, first_of, number, text
from warehouse.ingest.adapters.otlp.records import Record

__all__ = ["ROW_SCHEMA", "rows_of"]

ROW_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row_number": pl.Int64,
    "problem": pl.String,
    "is_span": pl.Boolean,
    "kind": pl.String,  # call, tool, prompt, request, answer, agent, other
    "scope": pl.String,
    "provider": pl.String,
    "trace_id": pl.String,
    "span_id": pl.String,
    "parent_span_id": pl.String,
    "sequence": pl.String,
    "session": pl.String,
    "turn": pl.String,
    "user": pl.String,
    "tenant": pl.String,
    "agent": pl.String,
    "model": pl.String,
    "tool": pl.String,
    "start_us": pl.Int64,
    "end_us": pl.Int64,
    "duration_ms": pl.Float64,
    "ttft_s": pl.Float64,
    "finish": pl.String,
    "error": pl.String,
    "status_code": pl.Int64,
    "ok": pl.Boolean,
    **dict.fromkeys(COUNTS, pl.Float64),
}
EVENTS = {
    "user_prompt": "prompt",
    "tool_result": "tool",
    "api_error": "call",
}
REQUESTS = {"api_request", "websocket_request"}
ANSWERS = {"sse_event", "websocket_event"}
CODE_ERROR = {2, "2", "STATUS_CODE_ERROR", "ERROR", "Error"}


def rows_of(records: Iterable[Record]) -> pl.DataFrame:
    """One row per record, columns of ROW_SCHEMA."""
    rows = [_row(record, at) for at, record in enumerate(records, start=1)]
    return pl.DataFrame(rows, schema=ROW_SCHEMA, orient="row")


def _row(record: Record, at: int) -> dict[str, Any]:
    known, raw = record.known, record.raw
    duration_ms = number(first_of(known, "duration_ms"))
    ttft_ms = number(first_of(known, "ttft_ms"))
    code = number(first_of(known, "status_code"))
    start_us, end_us = _span_times(raw) if record.is_span else _log_times(record, duration_ms)
    error = text(known, "error")
    success = str(first_of(known, "success")).lower()
    return {
        "row_number": at,
        "problem": record.problem,
        "is_span": record.is_span,
        "kind": _span_kind(record) if record.is_span else _event_kind(record),
        "scope": record.scope,
        "provider": (text(known, "provider") or "").lower(),
        "trace_id": _id(raw.get("traceId", raw.get("trace_id"))),
        "span_id": _id(raw.get("spanId", raw.get("span_id"))),
        "parent_span_id": _id(raw.get("parentSpanId", raw.get("parent_span_id"))),
        "sequence": text(known, "sequence"),
        "session": text(known, "session"),
        "turn": text(known, "turn"),
        "user": text(known, "user"),
        "tenant": text(known, "tenant"),
        "agent": text(known, "agent"),
        "model": text(known, "model"),
        "tool": text(known, "tool"),
        "start_us": start_us,
        "end_us": end_us,
        "duration_ms": duration_ms,
        "ttft_s": number(first_of(known, "ttft_s")) if ttft_ms is None else ttft_ms / 1000,
        "finish": text(known, "finish"),
        "error": error or ("error" if _is_error(raw) else None),
        "status_code": int(code) if code is not None and code == code // 1 and abs(code) < 1000 else None,
        "ok": error is None and not _is_error(raw) and success != "false",
        **{name: number(first_of(known, name)) for name in COUNTS},
    }


def _id(value: Any) -> str | None:
    return value[:64].encode("utf-8", errors="replace").decode("utf-8") if isinstance(value, str) and value else None


def _is_error(raw: dict[str, Any]) -> bool:
    status = raw.get("status")
    code = status.get("code") if isinstance(status, dict) else None
    return isinstance(code, str | int) and code in CODE_ERROR


def _span_kind(record: Record) -> str:
    operation = (text(record.known, "operation") or "").lower()
    if operation in CALL_OPERATIONS:
        return "call"
    if operation in TOOL_OPERATIONS:
        return "tool"
    if operation in {"invoke_agent", "create_agent", "agent"}:
        return "agent"
    counted = first_of(record.known, "input_tokens") is not None or first_of(record.known, "output_tokens") is not None
    return "call" if not operation and counted else "other"


def _event_kind(record: Record) -> str:
    """What a log record of Codex or Claude Code is; names come with and without the product's prefix."""
    body = record.raw.get("body")
    names = (record.raw.get("eventName"), text(record.known, "event"), _body_text(body))
    name = next((name for name in names if isinstance(name, str) and name), "")
    product, _, short = name.rpartition(".")
    service = text(record.known, "service") or ""
    is_codex = product == "codex" or (not product and service.startswith("codex"))
    if short in EVENTS:
        return EVENTS[short]
    if short in REQUESTS:
        return "request" if is_codex else "call"
    if short in ANSWERS and text(record.known, "event_kind") == "response.completed":
        return "answer"
    return "other"


def _body_text(body: Any) -> str | None:
    value = body.get("stringValue", body.get("string_value")) if isinstance(body, dict) else body
    return value if isinstance(value, str) and len(value) <= 80 else None


def _span_times(raw: dict[str, Any]) -> tuple[int | None, int | None]:
    names = (("startTimeUnixNano", "start_time_unix_nano"), ("endTimeUnixNano", "end_time_unix_nano"))
    start, end = (_microseconds(raw.get(camel, raw.get(snake))) for camel, snake in names)
    return start, end


def _log_times(record: Record, duration_ms: float | None) -> tuple[int | None, int | None]:
    """When what the event tells of began and ended: an event is written at the end."""
    names = (
        ("timeUnixNano", "time_unix_nano"),
        ("observedTimeUnixNano", "observed_time_unix_nano"),
    )
    times = [_microseconds(record.raw.get(camel, record.raw.get(snake))) for camel, snake in names]
    times.insert(1, _iso_microseconds(text(record.known, "event_time")))
    end = next((at for at in times if at), None)
    if end is None or duration_ms is None or not 0 <= duration_ms < 1e12:
        return end, end
    return end - round(duration_ms * 1000), end


def _microseconds(value: Any) -> int | None:
    """Unix nanoseconds, as a number or as text, in microseconds."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value // 1000
    return None


def _iso_microseconds(value: str | None) -> int | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return round(at.timestamp() * 1e6) if at.tzinfo and 1970 < at.year < 9000 else None
