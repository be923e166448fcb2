"""Adapter of OTLP exports in JSON: gen_ai and OpenInference spans, log events of Codex and Claude Code."""

from datetime import date
from pathlib import Path

import polars as pl

from warehouse.contracts import CallStatus, Surface
from warehouse.contracts.telemetry import MAX_TOKENS
from warehouse.ingest.adapters.otlp.fields import COUNTS
from warehouse.ingest.adapters.otlp.records import read_records
from warehouse.ingest.adapters.otlp.rows import rows_of
from warehouse.ingest.adapters.otlp.sessions import with_agents, with_answers, with_sessions, with_turns
from warehouse.ingest.clues import Clues
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import Ingested, Parsed
from warehouse.ingest.reading.source import Source, is_parquet, open_file
from warehouse.ingest.shaping.checks import Check, content_note, plain_text, split_rows
from warehouse.ingest.shaping.finish import finish
from warehouse.ingest.shaping.order import after_own_agent, with_steps
from warehouse.ingest.shaping.tool_calls import asked_tools

__all__ = ["fits", "read_otlp"]

LONGEST_CALL_US = 86_400_000_000
"""Assumed: no call or tool runs longer than a day; a longer one is in another unit."""


def fits(clues: Clues) -> bool:
    """Whether a trace looks like an OTLP export in JSON."""
    return any(clues.has(name) for name in ("resourceSpans", "resourceLogs", "resource_spans", "resource_logs"))


def read_otlp(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads an export; times are its own, so the anchor is not used.

    Raises:
        UnreadableTrace: if not one model call of it can be used.
    """
    del anchor
    source = open_file(path)
    if is_parquet(source.content):
        raise UnreadableTrace(f"{path}: is a damaged Parquet file or one of another format; otlp reads JSON exports")
    dropped: dict[str, None] = {}
    rows = rows_of(read_records(source, dropped))
    sound, refused = split_rows(rows, _checks(), _raw())
    told = with_agents(with_turns(with_answers(with_sessions(sound))))
    looped = told.filter(pl.col("in_cycle"))
    _, cyclic = split_rows(looped, [_cycle_check()], _raw())
    kept = told.filter(~pl.col("in_cycle"))
    calls, notes = _calls(kept.filter(pl.col("kind") == "call"), source)
    if calls.is_empty():
        found = ", ".join(f"{kind} {count}" for kind, count in rows["kind"].value_counts(sort=True).rows()[:4])
        first = f"; first refused: {refused['reason'][0]}" if refused.height else ""
        raise UnreadableTrace(f"{path}: holds no usable model call ({found or 'no records'}){first}")
    tools, refused_tools = asked_tools(_tools(kept.filter(pl.col("kind") == "tool"), source), calls)
    parts = [part for part in (refused, cyclic, refused_tools) if part.height]
    parsed = Parsed(
        calls=calls,
        refused=pl.concat(parts, how="diagonal") if parts else refused,
        rows_read=rows.height,
        other_rows=kept.height - calls.height - refused_tools.height,
        notes=(*notes, *_notes(kept, calls), *content_note(list(dropped))),
        tools=tools,
    )
    return finish(parsed, source, surface or _surface(kept))


def _surface(kept: pl.DataFrame) -> Surface:
    if not kept.filter(~pl.col("is_span"), pl.col("kind") == "call").is_empty():
        return Surface.CODEX_LOOP
    agents = kept["kind"].is_in(["tool", "agent"]).any()
    return Surface.AUTONOMOUS_WORKFLOW if agents else Surface.API_BURST


def _checks() -> list[Check]:
    matters = pl.col("kind").is_in(["call", "tool", "request", "answer"])
    at = pl.from_epoch("start_us", time_unit="us")
    length_us = pl.col("end_us") - pl.col("start_us")
    counts = pl.all_horizontal(
        pl.col(name).is_null() | (pl.col(name).is_finite() & (pl.col(name) == pl.col(name).round())) for name in COUNTS
    )
    identity = pl.struct(
        "trace_id", "span_id", pl.when(~pl.col("is_span") | pl.col("span_id").is_null()).then("row_number")
    )
    events = pl.struct("session", "sequence", "kind", "start_us")
    return [
        Check(rule="record_is_readable", holds=pl.col("problem").is_null(), reason=pl.col("problem")),
        Check(
            rule="time_is_told",
            holds=~matters | pl.all_horizontal(pl.col("start_us", "end_us").is_not_null()),
            reason=pl.lit("start or end is missing or no whole number of Unix nanoseconds"),
        ),
        Check(
            rule="time_is_plausible",
            holds=~matters | at.dt.year().is_between(2015, 2100),
            reason=pl.format("it starts in the year {}: are its times nanoseconds?", at.dt.year()),
        ),
        Check(
            rule="ends_not_before_start",
            holds=~matters | length_us.is_between(0, LONGEST_CALL_US),
            reason=pl.format("it runs {} microseconds, below 0 or more than a day", length_us),
        ),
        Check(
            rule="span_is_unique",
            holds=identity.is_first_distinct(),
            reason=pl.lit("an earlier record has the same trace and span id"),
        ),
        Check(
            rule="event_is_unique",
            holds=pl.col("is_span") | pl.col("sequence").is_null() | events.is_first_distinct(),
            reason=pl.lit("an earlier event has the same session, sequence number and time"),
        ),
        Check(
            rule="token_count_is_integer",
            holds=~matters | counts,
            reason=pl.lit("a token count is not a whole number"),
        ),
        Check(
            rule="token_count_is_plausible",
            holds=~matters | pl.all_horizontal(pl.col(COUNTS).is_between(0, MAX_TOKENS).fill_null(value=True)),
            reason=pl.lit(f"a token count is negative or above {MAX_TOKENS}"),
        ),
        Check(
            rule="latency_is_number",
            holds=~matters
            | pl.all_horizontal(pl.col("ttft_s", "duration_ms").is_between(0, 1e9).fill_null(value=True)),
            reason=pl.lit("time to first token or duration is no number, negative or implausibly long"),
        ),
    ]


def _cycle_check() -> Check:
    return Check(
        rule="parent_links_have_no_cycle",
        holds=~pl.col("in_cycle"),
        reason=pl.lit("its parent spans lead back to itself"),
    )


def _raw() -> pl.Expr:
    return pl.struct("trace_id", "span_id", "start_us", "end_us", "input_tokens", "output_tokens").struct.json_encode()


def _calls(rows: pl.DataFrame, source: Source) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Columns of ModelCalls in order; cached tokens made part of the input where their product counts them apart."""
    cached = pl.col("cache_read_tokens").fill_null(0) + pl.col("cache_write_tokens").fill_null(0)
    claude = ~pl.col("is_span") & (
        pl.col("cache_read_tokens").is_not_null() | pl.col("cache_write_tokens").is_not_null()
    )
    claude &= ~pl.col("is_codex")
    shown = (pl.col("provider").str.contains("anthropic") & (cached > pl.col("input_tokens"))).fill_null(value=False)
    exclusive = claude | (pl.col("is_span") & shown.any().over("scope", "provider"))
    short = pl.lit(source.source_id[:8])
    limited = pl.col("error").str.contains("(?i)rate.?limit|429|too many requests") | (pl.col("status_code") == 429)
    cancelled = pl.col("error").str.contains("(?i)cancel|abort|interrupt")
    failed = ~pl.col("ok") | (pl.col("status_code") >= 400)
    counted = rows.with_columns(exclusive.fill_null(value=False).alias("exclusive"))
    calls = counted.select(
        "row_number",
        "turn_id",
        call_id=pl.format("{}-{}", short, pl.col("row_number")),
        session_id=pl.format("{}-{}", short, plain_text("session")),
        agent_id=plain_text("agent_id"),
        parent_agent_id=plain_text("parent_agent_id"),
        tenant_id=_salted("tenant", source),
        client_id=_salted("user", source),
        model=plain_text("model"),
        requested_at=pl.from_epoch("start_us", time_unit="us").dt.replace_time_zone("UTC"),
        input_tokens=_whole(pl.when("exclusive").then(pl.col("input_tokens") + cached).otherwise("input_tokens")),
        cache_read_tokens=_whole(pl.col("cache_read_tokens")),
        output_tokens=_whole(pl.col("output_tokens")),
        reasoning_tokens=_whole(pl.col("reasoning_tokens")),
        image_tokens=_whole(pl.col("image_tokens")),
        ttft_s="ttft_s",
        duration_s=pl.when("has_duration").then((pl.col("end_us") - pl.col("start_us")) / 1e6),
        status=pl.when(limited)
        .then(pl.lit(CallStatus.RATE_LIMITED.value))
        .when(cancelled)
        .then(pl.lit(CallStatus.USER_CANCEL.value))
        .when(failed)
        .then(pl.lit(CallStatus.ERROR.value))
        .otherwise(pl.lit(CallStatus.OK.value)),
        finish_reason=plain_text("finish"),
    )
    apart = counted["exclusive"].sum()
    note = f"{apart:,} calls count cached tokens apart from the input (Anthropic): they were added to it"
    return after_own_agent(with_steps(calls)), (note,) if apart else ()


def _whole(count: pl.Expr) -> pl.Expr:
    return count.cast(pl.Int64, strict=False)


def _salted(column: str, source: Source) -> pl.Expr:
    """A person's or organisation's id as a hash salted by the content, `unknown` where none is told."""
    salted = pl.format("{}/{}", pl.lit(source.source_id), pl.col(column)).hash(seed=0).cast(pl.String)
    return pl.when(pl.col(column).is_null()).then(pl.lit("unknown")).otherwise(salted)


def _tools(rows: pl.DataFrame, source: Source) -> pl.DataFrame:
    return rows.select(
        "row_number",
        session_id=pl.format("{}-{}", pl.lit(source.source_id[:8]), plain_text("session")),
        agent_id=plain_text("agent_id"),
        kind="tool",
        started_at=pl.from_epoch("start_us", time_unit="us").dt.replace_time_zone("UTC"),
        duration_s=pl.when("has_duration").then((pl.col("end_us") - pl.col("start_us")) / 1e6),
        ok="ok",
    )


def _notes(kept: pl.DataFrame, calls: pl.DataFrame) -> tuple[str, ...]:
    """What is to be said of what the export does not tell."""
    unknown = calls.filter(pl.col("input_tokens").is_null() | pl.col("output_tokens").is_null()).height
    wrappers = kept.filter(pl.col("is_wrapper")).height
    notes = ["an export tells no prefix blocks: shared prefixes are unknown, cached tokens are the server's count"]
    if unknown:
        notes.append(f"{unknown:,} of {calls.height:,} calls are incomplete: input or output tokens were not reported")
    if wrappers:
        notes.append(f"{wrappers:,} spans around another span of a model call were not counted again")
    return tuple(notes)
