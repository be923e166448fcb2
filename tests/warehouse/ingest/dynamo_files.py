"""A small Dynamo request trace made after the public one: an agent, its sub-agent, their tools."""

import json
from pathlib import Path
from typing import Any

import polars as pl

BEGIN_MS = 1_779_163_080_000
"""2026-05-19 03:58:00 UTC."""


def request(
    name: str,
    at_ms: float,
    hashes: list[int],
    *,
    session: str | None = "root",
    parent: str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A request_end of 16-token blocks that took 2 s; `changes` are of its request."""
    context = {"session_id": session, **({"parent_session_id": parent} if parent else {})}
    known = {
        "request_id": name,
        "model": "qwen",
        "input_tokens": 16 * len(hashes),
        "output_tokens": 5,
        "cached_tokens": 0,
        "request_received_ms": BEGIN_MS + at_ms,
        "prefill_wait_time_ms": 100.0,
        "prefill_time_ms": 300.0,
        "ttft_ms": 400.0,
        "total_time_ms": 2000.0,
        "replay": {"trace_block_size": 16, "input_length": 16 * len(hashes), "input_sequence_hashes": hashes},
    }
    event = {
        "schema": "dynamo.request.trace.v1",
        "event_type": "request_end",
        "event_time_unix_ms": BEGIN_MS + at_ms + 2000,
        "event_source": "dynamo",
        "request": {**known, **changes},
    }
    return {**event, "agent_context": context} if session else event


def tool(name: str, at_ms: float, *, kind: str = "tool_end", session: str = "root", **changes: Any) -> dict[str, Any]:
    """A run of grep of 500 ms; `changes` are of its tool."""
    known = {
        "tool_call_id": name,
        "tool_class": "grep",
        "started_at_unix_ms": BEGIN_MS + at_ms,
        "duration_ms": 500.0,
        "status": "succeeded",
    }
    return {
        "schema": "dynamo.request.trace.v1",
        "event_type": kind,
        "event_time_unix_ms": BEGIN_MS + at_ms + 500,
        "event_source": "harness",
        "agent_context": {"session_id": session},
        "tool": {**known, **changes},
    }


BIG = 2**64 - 7
"""A hash beyond a signed 64-bit number."""
DYNAMO_EVENTS: tuple[dict[str, Any], ...] = (
    request("r1", 0, [1, BIG, 3]),
    tool("t1", 2100, kind="tool_start"),
    tool("t1", 2100),
    request("r2", 2700, [1, BIG, 3, 4], cached_tokens=48),
    request("s1", 5000, [9, 8], session="sub", parent="root"),
    tool("t2", 7100, kind="tool_error", session="sub", status="error"),
    request("s2", 8000, [9, 8, 7], session="sub", parent="root"),
    request("r3", 60_000, [1, BIG, 5]),
    request("x", 61_000, [6], session=None, output_tokens=None),
)


def dynamo_lines(*events: object) -> str:
    return "".join((event if isinstance(event, str) else json.dumps(event)) + "\n" for event in events)


def dynamo_file(folder: Path, *events: object, name: str = "trace.jsonl") -> Path:
    path = folder / name
    path.write_text(dynamo_lines(*(events or DYNAMO_EVENTS)), encoding="utf-8")
    return path


def flattened(events: tuple[dict[str, Any], ...] = DYNAMO_EVENTS) -> pl.DataFrame:
    """The same events as a table, nested objects as JSON text."""
    rows = []
    for event in events:
        known = {name: value for name, value in event.items() if name not in {"request", "agent_context", "tool"}}
        asked = dict(event.get("request", {}))
        replay = asked.pop("replay", {})
        nested = {name: json.dumps(event[name]) if name in event else None for name in ("agent_context", "tool")}
        rows.append({**known, **asked, **replay, **nested})
    hashes = pl.Series([row.get("input_sequence_hashes") for row in rows], dtype=pl.List(pl.Int128))
    plain = pl.DataFrame([{k: v for k, v in row.items() if k != "input_sequence_hashes"} for row in rows])
    return plain.with_columns(input_sequence_hashes=hashes)
