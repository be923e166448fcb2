"""The original form of a weka trace: a JSON file per session, sub-agents nested as markers with their requests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from warehouse.ingest.adapters.weka.frame import BLOCK_TOKENS, REQUEST_SCHEMA, WekaRows, begin_of_agent
from warehouse.ingest.ingested import REFUSED_SCHEMA
from warehouse.ingest.shaping.checks import content_note

__all__ = ["load_session", "read_weka_json"]

KNOWN = {"t", "type", "model", "in", "out", "hash_ids", "input_types", "output_types", "stop", "api_time", "think_time"}
KNOWN |= {"ttft"}
DEEPEST_AGENT = 16
"""Sub-agents of sub-agents are followed this far; deeper nesting is refused as a cycle."""
INT64 = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class _Agent:
    """Whose list of requests is being walked."""

    trace_id: str
    block_size: int
    agent_id: str | None = None
    parent_agent_id: str | None = None
    marker_seq: int | None = None
    root_marker_seq: int | None = None
    marker_t: float | None = None
    duration_s: float | None = None
    depth: int = 0


@dataclass(slots=True)
class _Walk:
    """What the walk through all files has gathered."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    spare: dict[str, None] = field(default_factory=dict)
    agents: set[tuple[str, str]] = field(default_factory=set)
    marker_count: int = 0


def load_session(content: bytes) -> dict[str, Any] | str:
    """The session of a file, or what is wrong with the file."""
    if not content.strip():
        return "is empty or cannot be read"
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return "holds bytes that are not UTF-8"
    except RecursionError:
        return "is nested too deeply"
    except ValueError as error:
        return f"is not JSON (cut short? {error})"
    if not isinstance(value, dict) or not isinstance(value.get("requests"), list):
        keys = ", ".join(repr(str(key)[:40]) for key in list(value)[:12]) if isinstance(value, dict) else "none"
        return f"has no list `requests` (keys found: {keys}; expected: id, models, block_size, requests)"
    return value


def read_weka_json(files: Mapping[str, bytes]) -> WekaRows:
    """Reads the sessions of these files (name to content) into one frame."""
    walk = _Walk()
    refused: list[dict[str, Any]] = []
    seen: set[str] = set()
    for name, content in files.items():
        session = load_session(content)
        if not isinstance(session, str) and _trace_id(session, name) in seen:
            session = f"repeats the trace id {_trace_id(session, name)[:80]} of an earlier file"
        if isinstance(session, str):
            refused.append(
                {"row_number": 0, "rule": "file_is_readable", "reason": f"{name} {session}", "source_name": name}
            )
            continue
        seen.add(_trace_id(session, name))
        size = _whole(session.get("block_size"))
        agent = _Agent(trace_id=_trace_id(session, name), block_size=size if size and size > 0 else BLOCK_TOKENS)
        _walk_requests(session["requests"], agent, walk)
    placed = _frame(walk.rows)
    return WekaRows(
        rows=placed,
        refused_files=pl.DataFrame(refused, schema={**REFUSED_SCHEMA, "source_name": pl.String}),
        marker_count=walk.marker_count,
        notes=content_note(list(walk.spare)),
    )


def _trace_id(session: Mapping[str, Any], name: str) -> str:
    given = session.get("id")
    return _clean(given) if isinstance(given, str) and given else name.removesuffix(".json")


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    extra = {"marker_t": pl.Float64, "duration_s": pl.Float64}
    frame = pl.DataFrame(rows, schema={**REQUEST_SCHEMA, **extra}, orient="row")
    first_t = pl.col("t").min().over("trace_id", "agent_id")
    begin = begin_of_agent(pl.col("marker_t"), pl.col("duration_s"), first_t)
    main = pl.col("agent_id").is_null()
    return frame.with_columns(begin_s=pl.when(main).then(0.0).otherwise(begin)).select(*REQUEST_SCHEMA)


def _walk_requests(requests: list[Any], agent: _Agent, walk: _Walk) -> None:
    """Appends a row for every call of this agent and, in place of a marker, the calls of its sub-agent."""
    for seq, request in enumerate(requests):
        if isinstance(request, dict) and request.get("type") == "subagent":
            walk.marker_count += 1
            _walk_marker(request, seq, agent, walk)
        else:
            walk.rows.append(_row(request, seq, agent, walk))


def _walk_marker(marker: Mapping[str, Any], seq: int, parent: _Agent, walk: _Walk) -> None:
    given = marker.get("agent_id")
    name = _clean(given) if isinstance(given, str) and given else f"agent_at_{seq}"
    while (parent.trace_id, name) in walk.agents:
        name = f"{name}_again"
    walk.agents.add((parent.trace_id, name))
    milliseconds = _seconds(marker.get("duration_ms"))
    sub_agent = _Agent(
        trace_id=parent.trace_id,
        block_size=parent.block_size,
        agent_id=name,
        parent_agent_id=parent.agent_id,
        marker_seq=seq,
        root_marker_seq=seq if parent.root_marker_seq is None else parent.root_marker_seq,
        marker_t=_seconds(marker.get("t")),
        duration_s=None if milliseconds is None else milliseconds / 1000,
        depth=parent.depth + 1,
    )
    nested = marker.get("requests")
    if parent.depth >= DEEPEST_AGENT or not isinstance(nested, list):
        problem = "sub-agents nested too deeply" if isinstance(nested, list) else "a sub-agent marker without requests"
        if isinstance(nested, list) or nested is not None:
            walk.rows.append(_row(problem, seq, sub_agent, walk))
        return
    _walk_requests(nested, sub_agent, walk)


def _row(request: Any, seq: int, agent: _Agent, walk: _Walk) -> dict[str, Any]:
    known: dict[str, Any] = request if isinstance(request, dict) else {}
    walk.spare.update(dict.fromkeys(key for key in known if key not in KNOWN))
    numbers = {name: known.get(name) for name in ("t", "in", "out", "api_time", "think_time", "ttft")}
    shown = {name: value if _is_number(value) else None for name, value in numbers.items()}
    ids = known.get("hash_ids")
    runs = _runs(ids)
    problem = request if isinstance(request, str) and agent.depth else "the entry is not an object"
    types = known.get("input_types")
    types = types if isinstance(types, list) else []
    return {
        "row_number": len(walk.rows) + 1,
        "problem": None if isinstance(request, dict) else problem[:80],
        "raw": json.dumps({"trace_id": agent.trace_id, "agent_id": agent.agent_id, "seq": seq, **shown}),
        "trace_id": agent.trace_id,
        "agent_id": agent.agent_id,
        "parent_agent_id": agent.parent_agent_id,
        "seq": seq,
        "marker_seq": agent.marker_seq,
        "root_marker_seq": agent.root_marker_seq,
        "marker_t": agent.marker_t,
        "duration_s": agent.duration_s,
        "t": _seconds(known.get("t")),
        "model": _text(known.get("model")),
        "in": _whole(known.get("in")),
        "out": _whole(known.get("out")),
        "stop": _text(known.get("stop")),
        "api_time": _seconds(known.get("api_time")),
        "think_time": _seconds(known.get("think_time")),
        "ttft": _seconds(known.get("ttft")),
        "is_human": "text" in types and "tool_result" not in types and agent.agent_id is None,
        "block_size": agent.block_size,
        "has_blocks": ids is not None,
        "run_start": runs[0],
        "run_len": runs[1],
    }


def _runs(ids: Any) -> tuple[list[int] | None, list[int] | None]:
    """Block ids as runs of consecutive ids; (None, None) where they are no list of whole numbers."""
    if not isinstance(ids, list):
        return None, None
    if not ids:
        return [], []
    try:
        flat = np.asarray(ids)
    except (ValueError, OverflowError):
        return None, None
    if flat.ndim != 1 or flat.dtype != np.int64:
        return None, None
    first = np.flatnonzero(np.concatenate(([True], flat[1:] != flat[:-1] + 1)))
    return flat[first].tolist(), np.diff(np.concatenate((first, [len(flat)]))).tolist()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < INT64


def _seconds(value: Any) -> float | None:
    """A number as it is, null as null, anything else as not-a-number (refused later)."""
    if value is None:
        return None
    return float(value) if _is_number(value) else float("nan")


def _whole(value: Any) -> int | None:
    return int(value) if _is_number(value) and value == int(value) else None


def _text(value: Any) -> str | None:
    return _clean(value) if isinstance(value, str) else None


def _clean(value: str) -> str:
    """Text that can be encoded: lone surrogates of JSON escapes are replaced."""
    return value[:1000].encode("utf-8", errors="replace").decode("utf-8")
