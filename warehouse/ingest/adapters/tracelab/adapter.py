"""Adapter of TraceLab: rounds of Claude Code and Codex sessions with cached and appended tokens, events and tools."""

from datetime import date
from pathlib import Path

import polars as pl

from warehouse.contracts import Surface
from warehouse.ingest.adapters.tracelab.rounds import NEEDED, read_rounds
from warehouse.ingest.clues import Clues
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import TOOL_SCHEMA, Ingested, Parsed
from warehouse.ingest.reading.source import Source, open_file
from warehouse.ingest.shaping.checks import Check, plain_text, split_rows, token_checks
from warehouse.ingest.shaping.finish import finish
from warehouse.ingest.shaping.order import after_previous, cached_as_shared, with_steps

__all__ = ["fits", "read_tracelab"]

CLAUDE_PARTS = ("claude_uncached_input_tokens", "claude_cache_creation_input_tokens", "claude_cache_read_input_tokens")
LONGEST_ROUND_S = 86_400.0
"""Assumed: no round takes longer than a day."""


def fits(clues: Clues) -> bool:
    """Whether a trace looks like TraceLab's rounds."""
    return clues.has(*NEEDED)


def read_tracelab(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads TraceLab's rounds; times are their own, so the anchor is not used.

    Raises:
        UnreadableTrace: if the file cannot be used at all.
    """
    del anchor
    source = open_file(path)
    rounds, tools, spare_notes = read_rounds(source)
    if rounds.is_empty():
        raise UnreadableTrace(f"{path}: has no rows; was the download or export finished?")
    good, refused = split_rows(rounds, _checks(), _raw())
    served = surface or Surface.CODEX_LOOP
    calls = _calls(good, source)
    named = calls.select("row_number", "call_id")
    asked = tools.join(named, on="row_number", how="left", maintain_order="left")
    lost = f"{source.source_id[:8]}-"
    told = asked.with_columns(pl.col("call_id").fill_null(pl.format("{}{}", pl.lit(lost), "row_number")))
    late = good.select((~pl.col("has_input_event")).sum()).item()
    notes = (
        "a round is requested at its last input event and ends at its last output event; no first token is told",
        f"{late} rounds tell no input event: their first output stands for the request, their duration is unknown",
        "prefix_tokens are what the cache gave back, and so the least that was shared with the call before",
        "a tool's time is the runner's own where told, else from its call to its result",
        f"assumed: surface {served.value}, tier by surface; tenant and client are unknown",
        *spare_notes,
    )
    parsed = Parsed(calls=calls, refused=refused, rows_read=rounds.height, notes=notes, tools=told.select(*TOOL_SCHEMA))
    return finish(parsed, source, served)


def _checks() -> list[Check]:
    duration_s = (pl.col("ended_at") - pl.col("requested_at")).dt.total_microseconds() / 1e6
    return [
        Check(rule="row_is_readable", holds=pl.col("problem").is_null(), reason=pl.col("problem")),
        Check(
            rule="call_has_a_place",
            holds=pl.all_horizontal(pl.col("session_id", "round_index").is_not_null()),
            reason=pl.lit("session_id or round_index is missing"),
        ),
        Check(
            rule="call_is_unique",
            holds=pl.struct("session_id", "session_file", "round_index", "round_id").is_first_distinct(),
            reason=pl.lit("an earlier row has the same session_id, session_file, round_index and round_id"),
        ),
        Check(
            rule="round_tells_times",
            holds=pl.col("requested_at").is_not_null(),
            reason=pl.lit("timing_events hold no input or output event with a time"),
        ),
        Check(
            rule="timestamp_is_plausible",
            holds=pl.col("requested_at").dt.year().is_between(2015, 2100),
            reason=pl.format("the round is requested in the year {}", pl.col("requested_at").dt.year()),
        ),
        Check(
            rule="duration_is_plausible",
            holds=duration_s.is_between(0, LONGEST_ROUND_S).fill_null(value=True),
            reason=pl.format("the round takes {} s", duration_s),
        ),
        *_token_checks(),
    ]


def _token_checks() -> list[Check]:
    total, prefix, fresh = (pl.col(name) for name in ("input_tokens_total", "prefix_tokens", "newly_append_tokens"))
    parts = pl.sum_horizontal(pl.col(CLAUDE_PARTS))
    told = pl.all_horizontal(pl.col(CLAUDE_PARTS).is_not_null())
    return [
        *token_checks("input_tokens_total", "output_tokens"),
        Check(
            rule="token_count_is_integer",
            holds=~pl.col("odd_counts"),
            reason=pl.lit("a token count is there but is no whole number"),
        ),
        Check(
            rule="reasoning_tokens_within_output",
            holds=pl.col("reasoning_output_tokens").is_between(0, pl.col("output_tokens")).fill_null(value=True),
            reason=pl.format("{} reasoning tokens of {}", "reasoning_output_tokens", "output_tokens"),
        ),
        Check(
            rule="prefix_and_append_sum_up",
            holds=(
                (prefix.fill_null(0) >= 0) & (fresh.fill_null(0) >= 0) & (prefix <= total) & (prefix + fresh == total)
            ).fill_null(value=True),
            reason=pl.format("prefix {} and append {} are not the input {}", prefix, fresh, total),
        ),
        Check(
            rule="exclusive_parts_sum_up",
            holds=~told | (parts == total),
            reason=pl.format("uncached, written and read tokens sum up to {}, not to the input {}", parts, total),
        ),
    ]


def _raw() -> pl.Expr:
    shown = ("session_id", "round_index", "input_tokens_total", "prefix_tokens", "newly_append_tokens", "output_tokens")
    return pl.struct(plain_text("session_id"), *shown[1:]).struct.json_encode()


def _calls(good: pl.DataFrame, source: Source) -> pl.DataFrame:
    short = pl.lit(source.source_id[:8])
    file = pl.col("session_file").rank("dense").over("session_id").fill_null(1)
    suffix = pl.when(file > 1).then(pl.format("-{}", file)).otherwise(pl.lit(""))
    calls = good.select(
        "row_number",
        "requested_at",
        "is_human",
        call_id=pl.format("{}-{}", short, "row_number"),
        session_id=pl.format("{}-{}{}", short, plain_text("session_id"), suffix),
        model=plain_text("model"),
        input_tokens="input_tokens_total",
        cache_read_tokens="prefix_tokens",
        output_tokens="output_tokens",
        reasoning_tokens="reasoning_output_tokens",
        duration_s=(pl.col("ended_at") - pl.col("requested_at")).dt.total_microseconds() / 1e6,
    )
    stepped = cached_as_shared(after_previous(with_steps(calls)))
    opens = pl.col("is_human") | (pl.col("step_index") == 0)
    return stepped.with_columns(turn_id=opens.cum_sum().over("session_id").cast(pl.Int64) - 1).drop("is_human")
