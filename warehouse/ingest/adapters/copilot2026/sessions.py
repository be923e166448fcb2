"""Sessions of the Copilot coding agent release as rows: one per model call, and one per tool call of a batch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from warehouse.ingest.reading.json_lines import decimal, iso_time, json_lines, text, whole
from warehouse.ingest.reading.source import Source

__all__ = ["CALL_SCHEMA", "TOOL_ROW_SCHEMA", "CopilotRows", "read_sessions"]

CALL_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row_number": pl.Int64,
    "problem": pl.String,
    "session_id": pl.String,
    "turn": pl.Int64,
    "message_id": pl.String,
    "requested_at": pl.Datetime("us", "UTC"),
    "duration_ms": pl.Float64,
    "model": pl.String,
    "result": pl.String,
    "status_code": pl.String,
    "prompt": pl.Int64,
    "completion": pl.Int64,
    "cached": pl.Int64,
    "odd_numbers": pl.Boolean,  # a number is there but is no number
}
TOOL_ROW_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "asked_by": pl.Int64,  # row number of the call that asked for it; null where none is told
    "kind": pl.String,
    "started_at": pl.Datetime("us", "UTC"),
    "duration_s": pl.Float64,
    "ok": pl.Boolean,
}
SUCCEEDED, FAILED = 1, 2
"""Status of a function call, published with the schema."""


@dataclass(slots=True)
class CopilotRows:
    """What was gathered from all files, column by column (a day of the release is over a million calls)."""

    calls: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in CALL_SCHEMA})
    tools: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in TOOL_ROW_SCHEMA})
    keys: dict[str, None] = field(default_factory=dict)
    """Keys of sessions and calls, in order of appearance."""

    @property
    def next_row(self) -> int:
        """Number of the next row, from 1."""
        return len(self.calls["row_number"]) + 1


def read_sessions(source: Source, rows: CopilotRows) -> None:
    """Appends the calls and tools of a file of sessions, one JSON object a line."""
    for _, session in json_lines(source):
        if isinstance(session, str):
            _append(rows.calls, {"row_number": rows.next_row, "problem": session})
            continue
        rows.keys.update(dict.fromkeys(session))
        turns = session.get("turns")
        if not isinstance(turns, list):
            _append(rows.calls, {"row_number": rows.next_row, "problem": "the session has no list of turns"})
            continue
        name = text(session.get("session_id"))
        for at, turn in enumerate(turns):
            _read_turn(turn, at, name, rows)


def _read_turn(turn: object, at: int, session_id: str | None, rows: CopilotRows) -> None:
    known = turn if isinstance(turn, dict) else {}
    calls = known.get("llm_calls")
    if not isinstance(turn, dict) or not isinstance(calls, list | None):
        problem = "the turn is no object, or its llm_calls are no list"
        _append(rows.calls, {"row_number": rows.next_row, "problem": problem, "session_id": session_id, "turn": at})
        return
    told: list[dict[str, Any]] = []
    for call in calls or []:
        row = _call(call, rows.next_row, session_id, at)
        _append(rows.calls, row)
        told.append(row)
        rows.keys.update(dict.fromkeys(call) if isinstance(call, dict) else {})
    batches = known.get("tool_batches")
    for tool in _tools(batches if isinstance(batches, list) else [], told):
        _append(rows.tools, tool)


def _append(columns: dict[str, list[Any]], row: dict[str, Any]) -> None:
    for name, values in columns.items():
        values.append(row.get(name))


def _call(call: object, row_number: int, session_id: str | None, turn: int) -> dict[str, Any]:
    known: dict[str, Any] = call if isinstance(call, dict) else {}
    given = known.get("tokens")
    tokens: dict[str, Any] = given if isinstance(given, dict) else {}
    counts = {name: whole(tokens.get(name)) for name in ("prompt", "completion", "cached")}
    duration_ms = _milliseconds(known.get("duration_ms"))
    odd = any(value is None and tokens.get(name) is not None for name, value in counts.items())
    return {
        "row_number": row_number,
        "problem": None if isinstance(call, dict) else "the entry of llm_calls is not an object",
        "session_id": session_id,
        "turn": turn,
        "message_id": text(known.get("message_id")),
        "requested_at": iso_time(known.get("timestamp")),
        "duration_ms": duration_ms,
        "model": text(known.get("model")),
        "result": text(known.get("result")),
        "status_code": text(known.get("status_code")),
        **counts,
        "odd_numbers": odd or (duration_ms is None and known.get("duration_ms") is not None),
    }


def _tools(batches: list[Any], calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Tool calls of a turn's batches; a batch starts all its functions at once, as the release tells one time."""
    by_message = {call["message_id"]: call["row_number"] for call in calls if call["message_id"] is not None}
    for batch in batches:
        known = batch if isinstance(batch, dict) else {}
        functions = known.get("function_calls")
        started_at = iso_time(known.get("timestamp"))
        request_id = text(known.get("request_id"))
        asked_by = by_message[request_id] if request_id in by_message else _last_ended(calls, started_at)
        for function in functions if isinstance(functions, list) else []:
            told = function if isinstance(function, dict) else {}
            duration_ms = _milliseconds(told.get("duration_ms"))
            status = whole(told.get("status"))
            yield {
                "asked_by": asked_by,
                "kind": text(told.get("name")),
                "started_at": started_at,
                "duration_s": None if duration_ms is None else duration_ms / 1000,
                "ok": status == SUCCEEDED if status in {SUCCEEDED, FAILED} else None,
            }


def _last_ended(calls: list[dict[str, Any]], moment: datetime | None) -> int | None:
    """Row of the turn's call that was the last to end by then; null where none did."""
    ended = [
        (call["requested_at"] + timedelta(milliseconds=min(call["duration_ms"] or 0.0, 1e12)), call["row_number"])
        for call in calls
        if moment is not None and call["requested_at"] is not None and 1970 < call["requested_at"].year < 2200
    ]
    return max((pair for pair in ended if moment is not None and pair[0] <= moment), default=(None, None))[1]


def _milliseconds(value: object) -> float | None:
    number = decimal(value)
    return number if number is not None and math.isfinite(number) else None
