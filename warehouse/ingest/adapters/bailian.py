"""Adapter of the Qwen-Bailian traces: one JSON line or Parquet row per call, chats by parent links, 16-token blocks."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import polars as pl

from warehouse.contracts import Surface
from warehouse.ingest.clues import Clues
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import Ingested, Parsed
from warehouse.ingest.reading.flat_cells import typed_columns
from warehouse.ingest.reading.json_lines import json_line_cells
from warehouse.ingest.reading.source import Source, is_parquet, open_file, read_parquet
from warehouse.ingest.shaping.chains import chain_ends, parent_rows
from warehouse.ingest.shaping.checks import Check, content_note, split_rows, token_checks
from warehouse.ingest.shaping.finish import finish
from warehouse.ingest.shaping.order import with_steps
from warehouse.ingest.shaping.prefix_tree import longest_shared_prefix, runs_of_ids
from warehouse.ingest.shaping.since_start import microseconds, refuse_other_unit, since_start_checks

__all__ = ["COLUMNS", "fits", "read_bailian"]

BLOCK_TOKENS = 16
"""Published with the trace: KVCache in the Wild, ATC'25."""
LONGEST_SPAN_S = 60 * 86_400.0
"""Assumed: a trace file spans at most 60 days; the public ones span two hours."""
MOST_TURNS = 1_000_000
CELLS: dict[str, pl.DataType | type[pl.DataType]] = {
    "chat_id": pl.Int64,
    "parent_chat_id": pl.Int64,
    "timestamp": pl.Float64,
    "input_length": pl.Int64,
    "output_length": pl.Int64,
    "type": pl.String,
    "turn": pl.Int64,
    "hash_ids": pl.List(pl.Int64),
}
COLUMNS = tuple(CELLS)
NO_PARENT = -1


def fits(clues: Clues) -> bool:
    """Whether a trace looks like Bailian's."""
    return clues.has("chat_id", "parent_chat_id", "timestamp", "input_length", "output_length")


def read_bailian(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads a Bailian trace; its seconds count from midnight UTC of the anchor day.

    Raises:
        UnreadableTrace: if the file cannot be used at all, or its times are in another unit.
    """
    source = open_file(path)
    cells, names = _cells(source)
    if cells.is_empty():
        raise UnreadableTrace(f"{path}: has no rows; was the download or export finished?")
    refuse_other_unit(cells["timestamp"], source, LONGEST_SPAN_S)
    sound, refused = split_rows(cells, _checks(), _raw())
    good, unchained = split_rows(_with_parent_times(sound), _chain_checks(), _raw())
    served = surface or (Surface.API_BURST if "traceb" in path.name.lower() else Surface.LONG_CONTEXT_CHAT)
    is_lost = (pl.col("parent_chat_id") != NO_PARENT) & ~pl.col("parent_chat_id").is_in(pl.col("chat_id").implode())
    lost = good.select(is_lost.sum()).item()
    notes = (
        "a session is a chat with all that follow from it; a call starts after its parent, whose end is not told",
        f"{lost} calls name a parent that is no usable row of this file: they begin sessions of their own",
        f"assumed: times count from midnight UTC of {anchor.isoformat()}; surface {served.value}, tier by surface",
        f"shared prefixes come from hash_ids ({BLOCK_TOKENS}-token blocks, one namespace for the whole file)",
        "the type of a request (text, search, image, file) is read and not kept: no table has a place for it",
        *content_note([name for name in names if name not in CELLS]),
    )
    calls = _calls(good, source, datetime.combine(anchor, time(), tzinfo=UTC))
    parsed = Parsed(calls=calls, refused=pl.concat([refused, unchained]), rows_read=cells.height, notes=notes)
    return finish(parsed, source, served)


def _cells(source: Source) -> tuple[pl.DataFrame, list[str]]:
    if is_parquet(source.content):
        frame = read_parquet(source)
        cells, names = typed_columns(frame, CELLS), frame.columns
    else:
        cells, names = json_line_cells(source, CELLS)
    lacking = [name for name in CELLS if name not in names]
    if lacking:
        found = ", ".join(repr(name[:40]) for name in names[:12]) or "none (no line is a JSON object)"
        raise UnreadableTrace(
            f"{source.path}: keys found: {found}; lacking for a bailian trace: {', '.join(lacking)}. Rename the keys "
            "or choose another format"
        )
    return cells, names


def _checks() -> list[Check]:
    count, size = pl.col("hash_ids").list.len(), pl.col("input_length")
    full, filled = size // BLOCK_TOKENS, (size + BLOCK_TOKENS - 1) // BLOCK_TOKENS
    return [
        Check(rule="row_is_readable", holds=pl.col("problem").is_null(), reason=pl.col("problem")),
        *since_start_checks("timestamp", LONGEST_SPAN_S),
        *token_checks("input_length", "output_length"),
        Check(
            rule="chat_is_told",
            holds=pl.all_horizontal(pl.col("chat_id", "parent_chat_id").is_not_null()),
            reason=pl.lit("chat_id or parent_chat_id is missing or not a whole number"),
        ),
        Check(
            rule="call_is_unique",
            holds=pl.col("chat_id").is_first_distinct(),
            reason=pl.format("an earlier row has the chat_id {} too", "chat_id"),
        ),
        Check(
            rule="turn_is_plausible",
            holds=pl.col("turn").is_between(1, MOST_TURNS),
            reason=pl.lit(f"turn is missing, not a whole number, below 1 or above {MOST_TURNS}"),
        ),
        Check(
            rule="hash_ids_are_integers",
            holds=pl.col("hash_ids").is_not_null() & ~pl.col("hash_ids").list.contains(None, nulls_equal=True),
            reason=pl.lit("hash_ids is missing or holds something else than whole numbers"),
        ),
        Check(
            rule="hash_ids_match_length",
            holds=(count == full) | (count == filled),
            reason=pl.format("{} hash_ids, but input_length {} has {} blocks", count, size, filled),
        ),
    ]


def _with_parent_times(sound: pl.DataFrame) -> pl.DataFrame:
    parents = parent_rows(sound["chat_id"], sound["parent_chat_id"])
    ends = chain_ends(parents)
    stamps = sound["timestamp"].to_numpy()
    held = parents >= 0
    parent_stamp = np.where(held, stamps[np.maximum(parents, 0)] if len(stamps) else stamps, -np.inf)
    return sound.with_columns(in_cycle=pl.Series(ends < 0), parent_timestamp=pl.Series(parent_stamp))


def _chain_checks() -> list[Check]:
    return [
        Check(
            rule="parents_end_in_a_root",
            holds=~pl.col("in_cycle"),
            reason=pl.format("the parents of chat {} lead in a circle", "chat_id"),
        ),
        Check(
            rule="parent_comes_first",
            holds=pl.col("parent_timestamp") <= pl.col("timestamp"),
            reason=pl.format("its parent {} comes later, at {} s", "parent_chat_id", "parent_timestamp"),
        ),
    ]


def _raw() -> pl.Expr:
    shown = ("chat_id", "parent_chat_id", "timestamp", "input_length", "output_length", "turn")
    return pl.struct(*shown, pl.col("hash_ids").list.head(8)).struct.json_encode()


def _calls(good: pl.DataFrame, source: Source, origin: datetime) -> pl.DataFrame:
    rows = good.sort("timestamp", maintain_order=True)
    short = pl.lit(source.source_id[:8])
    ids = rows.select(pl.format("{}-{}", short, "row_number")).to_series()
    parents = parent_rows(rows["chat_id"], rows["parent_chat_id"])
    roots = rows["chat_id"].gather(chain_ends(parents))
    shared = longest_shared_prefix(np.zeros(rows.height, dtype=np.int64), runs_of_ids(rows["hash_ids"]))
    calls = rows.select(
        "row_number",
        call_id=ids,
        session_id=pl.format("{}-c{}", short, pl.lit(roots)),
        turn_id=pl.col("turn") - 1,
        requested_at=pl.lit(origin) + microseconds("timestamp"),
        input_tokens="input_length",
        output_tokens="output_length",
        parent_call_id=_named(ids, shared.parent_row),
        shared_prefix_tokens=pl.min_horizontal(pl.lit(pl.Series(shared.block_count)) * BLOCK_TOKENS, "input_length"),
        starts_after_call_id=_named(ids, parents),
    )
    return with_steps(calls)


def _named(ids: pl.Series, rows: np.ndarray) -> pl.Series:
    """Call ids of these rows; null where a row is -1."""
    found = ids.gather(np.maximum(rows, 0)) if len(ids) else ids
    return pl.select(pl.when(pl.Series(rows >= 0)).then(found)).to_series()
