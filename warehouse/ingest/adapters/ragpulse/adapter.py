"""Adapter of the RAGPulse trace: questions to a retrieval assistant, each prompt told by the ids of its components."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import polars as pl

from warehouse.contracts import Surface
from warehouse.ingest.adapters.ragpulse.files import COMPONENTS, open_ragpulse, read_components, read_requests
from warehouse.ingest.clues import Clues
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import Ingested, Parsed
from warehouse.ingest.reading.source import Source
from warehouse.ingest.shaping.checks import Check, plain_text, split_rows, token_checks
from warehouse.ingest.shaping.finish import finish
from warehouse.ingest.shaping.order import previous, with_steps
from warehouse.ingest.shaping.prefix_tree import longest_shared_prefix, runs_of_ids
from warehouse.ingest.shaping.since_start import microseconds, refuse_other_unit, since_start_checks

__all__ = ["fits", "read_ragpulse"]

TRACE_BEGINS = time(12, tzinfo=UTC)
"""Published with the trace: timestamps count from 12:00:00; its zone is not told and taken as UTC."""
LONGEST_SPAN_S = 60 * 86_400.0
"""Assumed: a trace file spans at most 60 days; the public one spans a week."""
LARGEST_REST_RATIO = 0.1
LARGEST_REST_TOKENS = 64
"""Assumed: what a prompt holds beside its components (template words: 6 to 12 tokens in the public trace)."""


def fits(clues: Clues) -> bool:
    """Whether a trace looks like RAGPulse's: lists of component ids, as columns or under hash_ids."""
    named = clues.has("sys_prompt", "passages_ids") or {"hash_ids.sys_prompt", "hash_ids.passages_ids"} <= clues.keys
    return named and clues.has("timestamp", "input_length", "output_length", "session_id")


def read_ragpulse(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads a RAGPulse trace; its seconds count from 12:00 of the anchor day.

    Raises:
        UnreadableTrace: if the file cannot be used at all, or its times are in another unit.
    """
    trace = open_ragpulse(path)
    rows, spare_notes = read_requests(trace)
    if rows.is_empty():
        raise UnreadableTrace(f"{path}: has no rows; was the download or export finished?")
    lengths, source, length_notes = read_components(trace)
    refuse_other_unit(rows["timestamp"], source, LONGEST_SPAN_S)
    good, refused = split_rows(_with_lengths(rows, lengths), _checks(), _raw())
    served = surface or Surface.ALWAYS_ON_ASSISTANT
    notes = (
        "a call starts after the session's call before; no end of a call is told, so no gap either",
        f"assumed: times count from 12:00 UTC of {anchor.isoformat()} (the trace says 12:00 and no zone)",
        f"assumed: surface {served.value}, tier by surface; tenant and client are unknown",
        f"shared prefixes come from component ids in the order {', '.join(COMPONENTS)}",
        *length_notes,
        *spare_notes,
    )
    calls = _calls(good, source, datetime.combine(anchor, TRACE_BEGINS))
    return finish(Parsed(calls=calls, refused=refused, rows_read=rows.height, notes=notes), source, served)


def _with_lengths(rows: pl.DataFrame, lengths: pl.DataFrame | None) -> pl.DataFrame:
    """Adds all ids of a prompt in order, and their tokens summed up id by id (null where one is not told)."""
    told = pl.all_horizontal(pl.col(COMPONENTS).is_not_null())
    flat = rows.with_columns(
        ids=pl.when(told).then(pl.concat_list(COMPONENTS)), tells_lengths=pl.lit(lengths is not None)
    )
    if lengths is None:
        return flat.with_columns(sums=pl.lit(None, dtype=pl.List(pl.Int64)), unknown_count=pl.lit(0, dtype=pl.UInt32))
    long = flat.select("row_number", "ids").explode("ids", empty_as_null=False, keep_nulls=False)
    summed = (
        long.join(lengths, left_on="ids", right_on="hash_id", how="left", maintain_order="left")
        .group_by("row_number", maintain_order=True)
        .agg(sums=pl.col("token_length").cum_sum(), unknown_count=pl.col("token_length").null_count())
    )
    return flat.join(summed, on="row_number", how="left", maintain_order="left")


def _checks() -> list[Check]:
    tokens, told = pl.col("input_length"), pl.col("sums").list.last()
    rest = tokens - told
    most = pl.max_horizontal(pl.lit(LARGEST_REST_TOKENS), tokens * LARGEST_REST_RATIO)
    ids = pl.col("ids")
    return [
        Check(rule="row_is_readable", holds=pl.col("problem").is_null(), reason=pl.col("problem")),
        *since_start_checks("timestamp", LONGEST_SPAN_S),
        *token_checks("input_length", "output_length"),
        Check(rule="session_is_told", holds=pl.col("session_id").is_not_null(), reason=pl.lit("session_id is missing")),
        Check(
            rule="hash_ids_are_integers",
            holds=ids.is_not_null() & (ids.list.len() > 0) & ~ids.list.contains(None, nulls_equal=True),
            reason=pl.lit("the component ids are missing or hold something else than whole numbers"),
        ),
        Check(
            rule="hash_ids_are_known",
            holds=~pl.col("tells_lengths") | (pl.col("unknown_count") == 0),
            reason=pl.format("{} component ids are in none of the component files", "unknown_count"),
        ),
        Check(
            rule="hash_ids_match_length",
            holds=~pl.col("tells_lengths") | rest.is_between(0, most),
            reason=pl.format("the components hold {} tokens, but input_length is {}", told, tokens),
        ),
    ]


def _raw() -> pl.Expr:
    return pl.struct("timestamp", "input_length", "output_length", pl.col("ids").list.head(8)).struct.json_encode()


def _calls(good: pl.DataFrame, source: Source, origin: datetime) -> pl.DataFrame:
    rows = good.sort("timestamp", maintain_order=True)
    short = pl.lit(source.source_id[:8])
    ids = rows.select(pl.format("{}-{}", short, "row_number")).to_series()
    shared = longest_shared_prefix(np.zeros(rows.height, dtype=np.int64), runs_of_ids(rows["ids"]))
    count = pl.Series(shared.block_count)
    parents = ids.gather(np.maximum(shared.parent_row, 0)) if rows.height else ids
    tokens = pl.when(count > 0).then(pl.col("sums").list.get(pl.lit(count) - 1, null_on_oob=True)).otherwise(0)
    calls = rows.select(
        "row_number",
        call_id=ids,
        session_id=pl.format("{}-{}", short, plain_text("session_id")),
        requested_at=pl.lit(origin) + microseconds("timestamp"),
        input_tokens="input_length",
        output_tokens="output_length",
        parent_call_id=pl.when(count > 0).then(parents),
        shared_prefix_tokens=pl.when("tells_lengths").then(tokens),
    )
    return with_steps(calls).with_columns(turn_id="step_index", starts_after_call_id=previous("call_id"))
