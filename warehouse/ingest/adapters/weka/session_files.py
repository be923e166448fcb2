"""The original form of a weka trace: a JSON file per session, sub-agents nested as markers with their requests."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from warehouse.ingest.adapters.weka.block_lists import EMPTY, BlockList, runs_of, take_out_lists
from warehouse.ingest.adapters.weka.frame import BLOCK_TOKENS, REQUEST_SCHEMA, WekaRows, begin_of_agent
from warehouse.ingest.ingested import REFUSED_SCHEMA
from warehouse.ingest.shaping.checks import content_note

__all__ = ["load_session", "read_weka_json"]

KNOWN = {"t", "type", "model", "in", "out", "hash_ids", "input_types", "output_types", "stop", "api_time", "think_time"}
KNOWN |= {"ttft"}
DEEPEST_AGENT = 16
"""Sub-agents of sub-agents are followed this far; deeper nesting is refused as a cycle."""
INT64 = 2**63
NUMBERS = frozenset({int, float})
ROW_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "problem": pl.String, "trace_id": pl.String, "agent_id": pl.String, "parent_agent_id": pl.String, "seq": pl.Int64,
    "marker_seq": pl.Int64, "root_marker_seq": pl.Int64, "marker_t": pl.Float64, "duration_s": pl.Float64,
    "t": pl.Float64, "model": pl.String, "in": pl.Int64, "out": pl.Int64, "stop": pl.String, "api_time": pl.Float64,
    "think_time": pl.Float64, "ttft": pl.Float64, "is_human": pl.Boolean, "block_size": pl.Int64,
    "has_blocks": pl.Boolean,
}  # fmt: skip
"""What is told of one call, before what columns tell better."""


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

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    """Values of ROW_SCHEMA."""
    blocks: list[BlockList | None] = field(default_factory=list)
    """Block ids of each row, None where it tells none."""
    spare: dict[str, None] = field(default_factory=dict)
    agents: set[tuple[str, str]] = field(default_factory=set)
    marker_count: int = 0
    lists: list[BlockList] = field(default_factory=list)
    """Block ids taken out of the file at hand."""


def load_session(content: bytes) -> dict[str, Any] | str:
    """The session of a file as JSON has it, or what is wrong with the file."""
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


def read_weka_json(files: Iterable[tuple[str, bytes]]) -> WekaRows:
    """Reads the sessions of these files (name and content) into one frame, one file at a time."""
    walk = _Walk()
    refused: list[dict[str, Any]] = []
    seen: set[str] = set()
    for name, content in files:
        bare, walk.lists = take_out_lists(content)
        session = load_session(bare)
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
    placed = _frame(walk)
    return WekaRows(
        rows=placed,
        refused_files=pl.DataFrame(refused, schema={**REFUSED_SCHEMA, "source_name": pl.String}),
        marker_count=walk.marker_count,
        notes=content_note(list(walk.spare)),
    )


def _trace_id(session: Mapping[str, Any], name: str) -> str:
    given = session.get("id")
    return _clean(given) if isinstance(given, str) and given else name.removesuffix(".json")


def _frame(walk: _Walk) -> pl.DataFrame:
    columns: Iterable[Sequence[Any]] = zip(*walk.rows, strict=True) if walk.rows else [()] * len(ROW_SCHEMA)
    frame = pl.DataFrame(
        [pl.Series(name, values, kind) for (name, kind), values in zip(ROW_SCHEMA.items(), columns, strict=True)]
    )
    shown = ("trace_id", "agent_id", "seq", "t", "in", "out", "api_time", "think_time", "ttft")
    first_t = pl.col("t").min().over("trace_id", "agent_id")
    begin = begin_of_agent(pl.col("marker_t"), pl.col("duration_s"), first_t)
    return frame.with_columns(
        run_start=_lists([None if block is None else block.start for block in walk.blocks]),
        run_len=_lists([None if block is None else block.length for block in walk.blocks]),
        row_number=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        raw=pl.struct(pl.col(shown)).struct.json_encode(),
        begin_s=pl.when(pl.col("agent_id").is_null()).then(0.0).otherwise(begin),
    ).select(*REQUEST_SCHEMA)


def _lists(values: Sequence[list[int] | None]) -> pl.Series:
    """The lists as a column, by way of one flat array."""
    flat = np.fromiter(chain.from_iterable(one for one in values if one), dtype=np.int64)
    ends = np.cumsum([0, *(len(one) if one else 0 for one in values)])
    lists = pa.LargeListArray.from_arrays(
        ends, pa.array(flat), mask=pa.array([one is None for one in values], pa.bool_())
    )
    return pl.Series(values=lists, dtype=pl.List(pl.Int64))


def _walk_requests(requests: list[Any], agent: _Agent, walk: _Walk) -> None:
    """Appends a row for every call of this agent and, in place of a marker, the calls of its sub-agent."""
    for seq, request in enumerate(requests):
        if isinstance(request, dict) and request.get("type") == "subagent":
            walk.marker_count += 1
            _walk_marker(request, seq, agent, walk)
        else:
            _add_row(request, seq, agent, walk)


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
            _add_row(problem, seq, sub_agent, walk)
        return
    _walk_requests(nested, sub_agent, walk)


def _add_row(request: Any, seq: int, agent: _Agent, walk: _Walk) -> None:
    """Appends the row of one entry, in the order of ROW_SCHEMA."""
    known: dict[str, Any] = request if isinstance(request, dict) else {}
    if not known.keys() <= KNOWN:
        walk.spare.update(dict.fromkeys(key for key in known if key not in KNOWN))
    told = known.get
    ids, types = told("hash_ids"), told("input_types")
    problem = request if isinstance(request, str) and agent.depth else "the entry is not an object"
    says_human = isinstance(types, list) and "text" in types and "tool_result" not in types
    walk.blocks.append(_blocks(ids, walk.lists))
    walk.rows.append(
        (
            None if isinstance(request, dict) else problem[:80],
            agent.trace_id,
            agent.agent_id,
            agent.parent_agent_id,
            seq,
            agent.marker_seq,
            agent.root_marker_seq,
            agent.marker_t,
            agent.duration_s,
            _seconds(told("t")),
            _text(told("model")),
            _whole(told("in")),
            _whole(told("out")),
            _text(told("stop")),
            _seconds(told("api_time")),
            _seconds(told("think_time")),
            _seconds(told("ttft")),
            says_human and agent.agent_id is None,
            agent.block_size,
            ids is not None,
        )
    )


def _blocks(ids: Any, lists: list[BlockList]) -> BlockList | None:
    """The block ids, None where they are no list of whole numbers; `[k]` is the k-th of the lists taken out."""
    if not isinstance(ids, list):
        return None
    if lists and len(ids) == 1 and type(ids[0]) is int and 0 < ids[0] <= len(lists):
        return lists[ids[0] - 1]
    are_whole = all(type(one) is int and abs(one) < INT64 for one in ids)
    return (runs_of(ids) if ids else EMPTY) if are_whole else None


def _is_number(value: Any) -> bool:
    return type(value) in NUMBERS and -INT64 < value < INT64


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
    kept = value[:1000]
    return kept if kept.isascii() else kept.encode("utf-8", errors="replace").decode("utf-8")
