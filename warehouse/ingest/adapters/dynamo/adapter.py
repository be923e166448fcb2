"""Adapter of Dynamo's request trace: model calls and tool runs of agents, with their waits and prefix blocks."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from warehouse.contracts import CallStatus, Surface
from warehouse.contracts.telemetry import MAX_TOKENS
from warehouse.ingest.adapters.dynamo.events import TABLE_COLUMNS, read_events
from warehouse.ingest.clues import Clues
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import Ingested, Parsed
from warehouse.ingest.reading.source import Source, content_id, folder_files, open_file
from warehouse.ingest.shaping.checks import Check, plain_text, split_rows
from warehouse.ingest.shaping.finish import finish
from warehouse.ingest.shaping.order import after_own_agent, with_steps
from warehouse.ingest.shaping.prefix_tree import longest_shared_prefix, runs_of_ids
from warehouse.ingest.shaping.tool_calls import asked_tools

__all__ = ["FOLDER", "fits", "read_dynamo"]

SCHEMA = "dynamo.request.trace."
FOLDER = ("*.jsonl.gz", "*.jsonl")
LONGEST_MS = 86_400_000.0
"""Assumed: no call, wait or tool takes longer than a day."""
DEEPEST_SESSION = 64
TOOL_ENDS = ("tool_end", "tool_error")


def fits(clues: Clues) -> bool:
    """Whether a trace looks like Dynamo's: its schema's name in a line, or the columns of the flattened events."""
    return any(word.startswith(SCHEMA) for word in clues.words.values()) or clues.has(*TABLE_COLUMNS)


def read_dynamo(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads a request trace: JSON lines (also gzip), a folder of such shards, or flattened Parquet; times are its own.

    Raises:
        UnreadableTrace: if not one model call of it can be used.
    """
    del anchor
    source = _source(path)
    rows = read_events(source)
    if rows.is_empty():
        raise UnreadableTrace(f"{path}: has no events; was the download or export finished?")
    rooted = _with_roots(rows)
    good, refused = split_rows(rooted, _checks(), _raw())
    calls = _calls(good.filter(pl.col("event_type") == "request_end"), source)
    if calls.is_empty():
        first = f"; first refused: {refused['reason'][0]}" if refused.height else ""
        raise UnreadableTrace(f"{path}: holds no usable request_end event among {rows.height}{first}")
    ran = good.filter(pl.col("event_type").is_in(TOOL_ENDS))
    tools, refused_tools = asked_tools(_tools(ran, source), calls)
    parts = [part for part in (refused, refused_tools) if part.height]
    agents = good.filter(pl.col("session").is_not_null()).height
    served = surface or (Surface.AUTONOMOUS_WORKFLOW if agents else Surface.API_BURST)
    parsed = Parsed(
        calls=_with_turns(calls, tools),
        refused=pl.concat(parts, how="diagonal") if parts else refused,
        rows_read=rows.height,
        other_rows=good.height - calls.height - refused_tools.height,
        notes=_notes(good, served),
        tools=tools,
    )
    return finish(parsed, source, served)


def _source(path: Path) -> Source:
    """The file, or the shards of a folder one after the other."""
    if not path.is_dir():
        return open_file(path)
    files = next((files for pattern in FOLDER if (files := folder_files(path, pattern)[0])), [])
    if not files:
        raise UnreadableTrace(f"{path}: holds no *.jsonl.gz or *.jsonl; name a file")
    contents = [open_file(file).content for file in files]
    parts = [part for file, content in zip(files, contents, strict=True) for part in (file.name.encode(), content)]
    content = b"\n".join(contents)
    return Source(path=path, name=path.resolve().name, source_id=content_id(*parts), content=content)


def _with_roots(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds root (the outermost session above each), or null where the parents of a session lead back to it."""
    pairs = rows.select("session", "parent_session").drop_nulls().unique("session", keep="first", maintain_order=True)
    above = dict(pairs.iter_rows())
    roots = {name: _root(name, above) for name in rows["session"].drop_nulls().unique().to_list()}
    of_session = pl.DataFrame(
        {"session": list(roots), "root": list(roots.values())}, schema={"session": pl.String, "root": pl.String}
    )
    return rows.join(of_session, on="session", how="left", maintain_order="left")


def _root(name: str, above: dict[str, str]) -> str | None:
    for _ in range(DEEPEST_SESSION):
        if name not in above:
            return name
        name = above[name]
    return None


def _checks() -> list[Check]:
    is_call, is_tool = pl.col("event_type") == "request_end", pl.col("event_type").is_in(TOOL_ENDS)
    counts = pl.all_horizontal(
        pl.col("input_tokens", "output_tokens", "cached_tokens").is_between(0, MAX_TOKENS).fill_null(value=True)
    )
    spans = ("wait_ms", "ttft_ms", "total_ms", "tool_ms")
    latencies = pl.all_horizontal(pl.col(spans).is_between(0, LONGEST_MS).fill_null(value=True))
    begin = _requested_ms()
    size, length = pl.col("block_size"), pl.col("input_tokens")
    blocks = (length + size - 1) // size
    return [
        Check(rule="event_is_readable", holds=pl.col("problem").is_null(), reason=pl.col("problem")),
        Check(
            rule="schema_is_known",
            holds=pl.col("schema").str.starts_with(SCHEMA),
            reason=pl.format("schema is {}, no dynamo.request.trace", pl.col("schema").fill_null("missing")),
        ),
        Check(
            rule="event_has_type",
            holds=pl.col("event_type").is_not_null(),
            reason=pl.lit("event_type is missing"),
        ),
        Check(
            rule="parent_links_have_no_cycle",
            holds=pl.col("session").is_null() | pl.col("root").is_not_null(),
            reason=pl.lit("the parents of its session lead back to it, or nest deeper than 64"),
        ),
        Check(
            rule="time_is_plausible",
            holds=~is_call | begin.is_between(1.4e12, 4.1e12),
            reason=pl.format("it was received at {}: no Unix milliseconds of 2014 to 2099", begin.cast(pl.String)),
        ),
        Check(
            rule="call_is_unique",
            holds=~is_call | pl.col("request_id").is_null() | pl.struct("event_type", "request_id").is_first_distinct(),
            reason=pl.lit("an earlier request_end has the same request_id"),
        ),
        Check(
            rule="tool_run_is_unique",
            holds=~is_tool | pl.col("tool_id").is_null() | pl.struct("session", is_tool, "tool_id").is_first_distinct(),
            reason=pl.lit("an earlier event ends the same tool call"),
        ),
        Check(
            rule="token_count_is_plausible",
            holds=counts,
            reason=pl.lit(f"a token count is no whole number, negative or above {MAX_TOKENS}"),
        ),
        Check(rule="input_not_empty", holds=~is_call | (length != 0).fill_null(value=True), reason=pl.lit("no prompt")),
        Check(
            rule="latency_is_plausible",
            holds=latencies,
            reason=pl.lit("a wait, ttft, total or tool time is no number, negative or above a day of milliseconds"),
        ),
        Check(
            rule="hash_ids_are_integers",
            holds=~pl.col("has_hashes").fill_null(value=False) | pl.col("hashes").is_not_null(),
            reason=pl.lit("input_sequence_hashes is no list of 64-bit numbers"),
        ),
        Check(
            rule="hash_ids_match_length",
            holds=pl.col("hashes").is_null() | ((size > 0) & (pl.col("hashes").list.len() == blocks)),
            reason=pl.format("{} hashes, but {} tokens fill {} blocks", pl.col("hashes").list.len(), length, blocks),
        ),
    ]


def _requested_ms() -> pl.Expr:
    """When a request came in, Unix ms."""
    return pl.coalesce("received_ms", pl.col("event_ms") - pl.col("total_ms"))


def _raw() -> pl.Expr:
    shown = ("event_type", "request_id", "input_tokens", "output_tokens", "received_ms", "total_ms")
    return pl.struct(shown).struct.json_encode()


def _session(source: Source) -> pl.Expr:
    own = pl.format("request-{}", pl.coalesce("request_id", pl.col("row_number").cast(pl.String)))
    return pl.format("{}-{}", pl.lit(source.source_id[:8]), pl.coalesce(plain_text("root"), own))


def _agent(source: pl.Expr) -> pl.Expr:
    """A session below the root as a sub-agent; null for the root."""
    return pl.when(source != pl.col("root")).then(source.str.slice(0, 200))


def _calls(rows: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Columns of ModelCalls in order, with lineage of the blocks of each model."""
    total_ms = pl.coalesce("total_ms", pl.col("event_ms") - pl.col("received_ms"))
    cut = pl.col("finish").str.contains("(?i)cancel|abort")
    failed = pl.col("finish").str.contains("(?i)error")
    named = rows.with_columns(
        call_id=pl.format("{}-{}", pl.lit(source.source_id[:8]), pl.col("row_number")),
        requested_at=pl.from_epoch((_requested_ms() * 1000).round().cast(pl.Int64), time_unit="us"),
        group=pl.col("model").fill_null("").rank("dense").cast(pl.Int64),
    ).sort("group", "requested_at", "row_number")
    calls = _with_lineage(named).select(
        "row_number",
        "call_id",
        "parent_call_id",
        "shared_prefix_tokens",
        "input_tokens",
        "output_tokens",
        session_id=_session(source),
        agent_id=_agent(plain_text("session")),
        parent_agent_id=_agent(plain_text("parent_session")),
        model=plain_text("model"),
        requested_at=pl.col("requested_at").dt.replace_time_zone("UTC"),
        cache_read_tokens="cached_tokens",
        queue_s=pl.col("wait_ms") / 1000,
        ttft_s=pl.col("ttft_ms") / 1000,
        duration_s=pl.when(total_ms >= 0).then(total_ms / 1000),
        status=pl.when(cut)
        .then(pl.lit(CallStatus.USER_CANCEL.value))
        .when(failed)
        .then(pl.lit(CallStatus.ERROR.value))
        .otherwise(pl.lit(CallStatus.OK.value)),
        finish_reason=plain_text("finish"),
    )
    return after_own_agent(with_steps(calls))


def _with_lineage(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds the call whose prompt a prompt shares its longest prefix with; unknown where no hashes are told."""
    told = rows["hashes"].is_not_null()
    ids = rows["hashes"].fill_null(pl.Series([[]], dtype=pl.List(pl.Int64)))
    shared = longest_shared_prefix(rows["group"].to_numpy(), runs_of_ids(ids))
    found = shared.parent_row >= 0
    parent = rows["call_id"].gather(pl.Series(np.where(found, shared.parent_row, 0)))
    tokens = pl.min_horizontal(pl.lit(pl.Series(shared.block_count)) * pl.col("block_size"), "input_tokens")
    return rows.with_columns(
        parent_call_id=pl.when(pl.Series(found)).then(parent),
        shared_prefix_tokens=pl.when(told).then(tokens),
    )


def _with_turns(calls: pl.DataFrame, tools: pl.DataFrame) -> pl.DataFrame:
    """Adds turn_id: a call of the main agent that no tool run led to begins a new one; sub-agents belong to it."""
    asked = pl.col("starts_after_call_id").is_in(tools["call_id"].implode())
    before = calls.select(starts_after_call_id="call_id", _finish="finish_reason")
    joined = calls.join(before, on="starts_after_call_id", how="left", maintain_order="left")
    led = asked | (pl.col("_finish").str.contains("tool").fill_null(value=False))
    fresh = pl.col("agent_id").is_null() & ~led.fill_null(value=False)
    turn = (fresh.cast(pl.Int64).cum_sum().over("session_id") - 1).clip(lower_bound=0)
    return joined.with_columns(turn_id=turn).drop("_finish")


def _tools(rows: pl.DataFrame, source: Source) -> pl.DataFrame:
    length_ms = pl.coalesce("tool_ms", pl.col("tool_ended_ms") - pl.col("tool_started_ms"))
    started_ms = pl.coalesce("tool_started_ms", pl.coalesce("tool_ended_ms", "event_ms") - length_ms)
    plausible = pl.when(started_ms.is_between(0, 4.1e12)).then(started_ms)
    failed = pl.col("tool_status").str.contains("(?i)error|fail|cancel|timeout").fill_null(value=False)
    return rows.select(
        "row_number",
        session_id=_session(source),
        agent_id=_agent(plain_text("session")),
        kind="tool",
        started_at=pl.from_epoch((plausible * 1000).round().cast(pl.Int64), time_unit="us").dt.replace_time_zone("UTC"),
        duration_s=length_ms / 1000,
        ok=(pl.col("event_type") == "tool_end") & ~failed,
    )


def _notes(good: pl.DataFrame, served: Surface) -> tuple[str, ...]:
    ended = good.filter(pl.col("event_type").is_in(TOOL_ENDS))["tool_id"].implode()
    begun = good.filter(pl.col("event_type") == "tool_start", ~pl.col("tool_id").is_in(ended)).height
    calls = good.filter(pl.col("event_type") == "request_end")
    lacking = calls.filter(pl.col("input_tokens").is_null() | pl.col("output_tokens").is_null()).height
    notes = [
        "shared prefixes come from input_sequence_hashes, one namespace per model",
        "a session below another is its sub-agent; no human turns are told: a call that no tool led to begins one",
        f"assumed: surface {served.value}, tier by surface; tenant and client are unknown",
    ]
    if begun:
        notes.append(f"{begun} tool runs began and have no end")
    if lacking:
        notes.append(f"{lacking:,} of {calls.height:,} calls are incomplete: input or output tokens were not reported")
    return tuple(notes)
