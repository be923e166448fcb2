"""Adapter of the GitHub Copilot coding agent release of 2026: sessions of turns of model calls and tool batches."""

from datetime import date
from pathlib import Path

import polars as pl

from warehouse.contracts import CallStatus, Surface
from warehouse.contracts.telemetry import MAX_TOKENS
from warehouse.ingest.adapters.copilot2026.sessions import CALL_SCHEMA, TOOL_ROW_SCHEMA, CopilotRows, read_sessions
from warehouse.ingest.clues import Clues
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import TOOL_SCHEMA, Ingested, Parsed
from warehouse.ingest.reading.source import Source, content_id, folder_files, is_parquet, open_file, read_parquet
from warehouse.ingest.shaping.checks import Check, content_note, plain_text, split_rows
from warehouse.ingest.shaping.finish import finish
from warehouse.ingest.shaping.order import after_last_ended, cached_as_shared, with_steps

__all__ = ["SHARDS", "fits", "read_copilot2026"]

SHARDS = ("*.jsonl.gz", "*.jsonl", "date=*/*.jsonl.gz", "date=*/*.jsonl")
"""Files of the release in the folder of a day, or in the folder of all days."""
LONGEST_CALL_MS = 86_400_000.0
"""Assumed: no call takes longer than a day."""
USED = {"session_id", "date", "turns", "message_id", "timestamp", "duration_ms", "model", "result", "status_code"}
USED |= {"tokens", "initiator_type", "message_metadata"}


def fits(clues: Clues) -> bool:
    """Whether a trace looks like the Copilot release: sessions with turns of model calls."""
    return clues.has("session_id", "turns") and "turns.llm_calls" in clues.keys


def read_copilot2026(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads a shard of the Copilot release or a folder of them; times are their own, so the anchor is not used.

    Raises:
        UnreadableTrace: if nothing in it can be used.
    """
    del anchor
    rows = CopilotRows()
    source, link_notes = _read(path, rows)
    calls = pl.DataFrame(rows.calls, schema=CALL_SCHEMA)
    if "turns" not in rows.keys:
        found = ", ".join(repr(name[:40]) for name in list(rows.keys)[:12]) or "none (no line is a JSON object)"
        raise UnreadableTrace(
            f"{path}: keys found: {found}; a copilot2026 session has session_id, turns. Choose another format"
        )
    good, refused = split_rows(_with_status(calls), _checks(), _raw())
    served = surface or Surface.CODEX_LOOP
    placed = _calls(good, source)
    uncounted = placed["input_tokens"].null_count()
    notes = (
        "a call starts after the session's last call that had ended by then; the gap is the time since that end",
        "cached tokens are what the cache gave back, and so the least that was shared with the call before",
        "the functions of a tool batch are taken to start with it, as the release tells one time for them",
        f"{uncounted} calls that did not succeed tell no prompt: their token counts stay unknown",
        f"assumed: surface {served.value}, tier by surface; tenant and client are unknown",
        *link_notes,
        *content_note([name for name in rows.keys if name not in USED]),
    )
    parsed = Parsed(
        calls=placed, refused=refused, rows_read=calls.height, notes=notes, tools=_tools(rows, placed, source)
    )
    return finish(parsed, source, served)


def _read(path: Path, rows: CopilotRows) -> tuple[Source, tuple[str, ...]]:
    if not path.is_dir():
        source = open_file(path)
        if is_parquet(source.content):
            found = ", ".join(repr(name[:40]) for name in read_parquet(source).columns[:12])
            raise UnreadableTrace(
                f"{path}: is a Parquet file ({found}); copilot2026 sessions are JSON lines, packed or not"
            )
        read_sessions(source, rows)
        return source, ()
    globbed = [folder_files(path, pattern) for pattern in SHARDS]
    files = sorted({file for kept, _ in globbed for file in kept if file.stat().st_size})
    links = sorted({link for _, refused in globbed for link in refused})
    if not files:
        raise UnreadableTrace(f"{path}: holds none of {', '.join(SHARDS)}; name a shard or the folder of a day")
    ids: list[bytes] = []
    for file in files:
        shard = open_file(file)
        read_sessions(shard, rows)
        ids += [shard.name.encode(), shard.source_id.encode()]
    notes = (f"links out of the folder were not followed: {', '.join(links[:10])}",) if links else ()
    return Source(path=path, name=path.resolve().name, source_id=content_id(*ids), content=b""), notes


def _with_status(calls: pl.DataFrame) -> pl.DataFrame:
    """How a call ended, from its result (else its status code); a prompt of 0 tokens that failed was not counted."""
    said = pl.coalesce("result", "status_code").str.to_lowercase()
    status = (
        pl.when(said.is_in(["success", "ok", "200"]))
        .then(pl.lit(CallStatus.OK.value))
        .when(said.str.contains("cancel"))
        .then(pl.lit(CallStatus.USER_CANCEL.value))
        .when(said.str.contains("rate.?limit|throttl|too.?many.?requests|429|quota"))
        .then(pl.lit(CallStatus.RATE_LIMITED.value))
        .when(said.is_not_null())
        .then(pl.lit(CallStatus.ERROR.value))
    )
    marked = calls.with_columns(status=status)
    uncounted = (pl.col("status") != CallStatus.OK.value) & (pl.col("prompt").fill_null(0) == 0)
    return marked.with_columns(
        pl.when(~uncounted.fill_null(value=False)).then(pl.col(name)).alias(name)
        for name in ("prompt", "completion", "cached")
    ).with_columns(uncounted=uncounted)


def _checks() -> list[Check]:
    return [
        Check(rule="row_is_readable", holds=pl.col("problem").is_null(), reason=pl.col("problem")),
        Check(rule="session_is_told", holds=pl.col("session_id").is_not_null(), reason=pl.lit("session_id is missing")),
        Check(
            rule="call_is_unique",
            holds=pl.col("message_id").is_null() | pl.struct("session_id", "message_id").is_first_distinct(),
            reason=pl.lit("an earlier call of the session has the same message_id"),
        ),
        Check(
            rule="timestamp_is_plausible",
            holds=pl.col("requested_at").dt.year().is_between(2015, 2100),
            reason=pl.lit("timestamp is missing, no ISO time or far from today"),
        ),
        Check(
            rule="result_is_told",
            holds=pl.col("status").is_not_null(),
            reason=pl.lit("result and status_code are missing"),
        ),
        *_number_checks(),
    ]


def _number_checks() -> list[Check]:
    counts = pl.col("prompt", "completion")
    succeeded = pl.col("status") == CallStatus.OK.value
    return [
        Check(
            rule="numbers_are_numbers",
            holds=~pl.col("odd_numbers"),
            reason=pl.lit("a token count or duration_ms is there but is no (whole) number"),
        ),
        Check(
            rule="duration_is_plausible",
            holds=pl.col("duration_ms").is_between(0, LONGEST_CALL_MS).fill_null(value=True),
            reason=pl.format("duration_ms is {}", "duration_ms"),
        ),
        Check(
            rule="token_count_not_negative",
            holds=pl.all_horizontal((pl.col("prompt", "completion", "cached") >= 0).fill_null(value=True)),
            reason=pl.lit("a token count is below 0"),
        ),
        Check(
            rule="token_count_is_plausible",
            holds=pl.all_horizontal((counts <= MAX_TOKENS).fill_null(value=True)),
            reason=pl.lit(f"a token count is above {MAX_TOKENS}"),
        ),
        Check(
            rule="cached_tokens_within_input",
            holds=(pl.col("cached") <= pl.col("prompt")).fill_null(value=True),
            reason=pl.format("{} cached tokens of a prompt of {}", "cached", "prompt"),
        ),
        Check(
            rule="input_not_empty",
            holds=~succeeded | (pl.col("prompt") > 0),
            reason=pl.lit("the call succeeded without a prompt: it is no model call"),
        ),
    ]


def _raw() -> pl.Expr:
    return pl.struct("turn", "duration_ms", "prompt", "completion", "cached").struct.json_encode()


def _calls(good: pl.DataFrame, source: Source) -> pl.DataFrame:
    short = pl.lit(source.source_id[:8])
    calls = good.select(
        "row_number",
        "requested_at",
        "status",
        call_id=pl.format("{}-{}", short, "row_number"),
        session_id=pl.format("{}-{}", short, plain_text("session_id")),
        turn_id="turn",
        model=plain_text("model"),
        input_tokens="prompt",
        cache_read_tokens="cached",
        output_tokens="completion",
        duration_s=pl.col("duration_ms") / 1000,
        finish_reason=plain_text("result"),
    )
    return cached_as_shared(after_last_ended(with_steps(calls)))


def _tools(rows: CopilotRows, calls: pl.DataFrame, source: Source) -> pl.DataFrame:
    tools = pl.DataFrame(rows.tools, schema=TOOL_ROW_SCHEMA)
    named = calls.select(asked_by="row_number", call_id="call_id")
    joined = tools.join(named, on="asked_by", how="left", maintain_order="left")
    lost = pl.format("{}-{}", pl.lit(source.source_id[:8]), pl.col("asked_by").cast(pl.String).fill_null("none"))
    return joined.with_columns(pl.coalesce("call_id", lost).alias("call_id")).select(*TOOL_SCHEMA)
