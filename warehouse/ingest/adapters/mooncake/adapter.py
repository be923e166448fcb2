"""Adapter of the Mooncake traces: one JSON line or Parquet row per call, with ids of 512-token prefix blocks."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import polars as pl

from warehouse.contracts import Surface
from warehouse.ingest.adapters.mooncake.lines import CELLS, COLUMNS, read_lines, whole_ids
from warehouse.ingest.adapters.mooncake.unit import LONGEST_SPAN_MS, refuse_unit
from warehouse.ingest.clues import Clues
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import Ingested, Parsed
from warehouse.ingest.reading.source import Source, is_parquet_file, open_file, read_parquet
from warehouse.ingest.shaping.checks import Check, content_note, split_rows, token_checks
from warehouse.ingest.shaping.finish import finish
from warehouse.ingest.shaping.prefix_ids import shared_prefix_of_ids

__all__ = ["COLUMNS", "fits", "read_mooncake"]

BLOCK_TOKENS = 512
"""Published with the trace: Mooncake, FAST'25."""


def fits(clues: Clues) -> bool:
    """Whether a trace looks like Mooncake's; Bailian's has a chat beside the same keys, RAGPulse's ids by component."""
    return clues.has(*COLUMNS) and not clues.has("chat_id") and "hash_ids.sys_prompt" not in clues.keys


def read_mooncake(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads a Mooncake trace; its milliseconds count from midnight UTC of the anchor day.

    Raises:
        UnreadableTrace: if the file cannot be used at all, or its times are in another unit.
    """
    return finish(*_parsed(path, surface, anchor))


def _parsed(path: Path, surface: Surface | None, anchor: date) -> tuple[Parsed, Source, Surface]:
    """The calls, whose cells are let go before they are finished."""
    cells, spare, source = _parquet_cells(open_file(path)) if is_parquet_file(path) else read_lines(path)
    if cells.is_empty():
        raise UnreadableTrace(f"{path}: has no rows; was the download or export finished?")
    refuse_unit(cells, source)
    good, refused = split_rows(cells, _checks(), _raw())
    served = surface or Surface.LONG_CONTEXT_CHAT
    calls = _with_lineage(good, source, datetime.combine(anchor, time(), tzinfo=UTC))
    notes = (
        "the trace tells no sessions: every call is its own session, tenant and client are unknown",
        f"assumed: times count from midnight UTC of {anchor.isoformat()}; surface {served.value}, tier by surface",
        f"shared prefixes come from hash_ids ({BLOCK_TOKENS}-token blocks, one namespace for the whole file)",
        *content_note(spare),
    )
    parsed = Parsed(calls=calls, refused=refused, rows_read=cells.height, notes=notes, one_call_sessions=True)
    return parsed, source.without_content(), served


def _checks() -> list[Check]:
    stamp = pl.col("timestamp")
    count, blocks = pl.col("hash_ids").list.len(), (pl.col("input_length") + BLOCK_TOKENS - 1) // BLOCK_TOKENS
    return [
        Check(rule="row_is_readable", holds=pl.col("problem").is_null(), reason=pl.col("problem")),
        Check(
            rule="timestamp_is_number",
            holds=stamp.is_finite(),
            reason=pl.lit("timestamp is missing or not a number of milliseconds"),
        ),
        Check(
            rule="timestamp_is_plausible",
            holds=stamp.is_between(0, LONGEST_SPAN_MS),
            reason=pl.format("timestamp {} ms lies outside 0 ms to 60 days", stamp.cast(pl.String)),
        ),
        *token_checks("input_length", "output_length"),
        Check(
            rule="hash_ids_are_integers",
            holds=pl.col("hash_ids").is_not_null(),
            reason=pl.lit("hash_ids is missing or holds something else than whole numbers"),
        ),
        Check(
            rule="hash_ids_match_length",
            holds=count == blocks,
            reason=pl.format("{} hash_ids, but input_length {} has {} blocks", count, pl.col("input_length"), blocks),
        ),
    ]


def _with_lineage(good: pl.DataFrame, source: Source, origin: datetime) -> pl.DataFrame:
    rows = good if good["timestamp"].is_sorted() else good.sort("timestamp", maintain_order=True)
    shared = shared_prefix_of_ids(rows["hash_ids"])
    short = pl.lit(source.source_id[:8])
    number = pl.col("row_number").cast(pl.String)
    calls = rows.select(
        "row_number",
        call_id=pl.format("{}-{}", short, number),
        session_id=pl.format("{}-s{}", short, number),
        requested_at=pl.lit(origin) + pl.duration(microseconds=(pl.col("timestamp") * 1000).round().cast(pl.Int64)),
        input_tokens="input_length",
        output_tokens="output_length",
        shared_prefix_tokens=pl.min_horizontal(pl.lit(shared.block_count) * BLOCK_TOKENS, "input_length"),
    )
    found = pl.Series(np.where(shared.parent_row < 0, 0, shared.parent_row))
    parent = pl.DataFrame({"held": shared.parent_row >= 0, "id": calls["call_id"].gather(found)})
    return calls.with_columns(parent.select(parent_call_id=pl.when("held").then("id")).to_series())


def _raw() -> pl.Expr:
    shown = pl.struct("timestamp", "input_length", "output_length", pl.col("hash_ids").list.head(8))
    return shown.struct.json_encode()


def _parquet_cells(source: Source) -> tuple[pl.DataFrame, list[str], Source]:
    frame = read_parquet(source)
    if not set(COLUMNS) <= set(frame.columns):
        found = ", ".join(repr(name[:40]) for name in frame.columns[:12])
        raise UnreadableTrace(
            f"{source.path}: columns found: {found}; a mooncake trace has timestamp, input_length, output_length, "
            "hash_ids. Rename the columns or choose another format"
        )
    casts = []
    for name, kind in CELLS.items():
        found_kind = frame.schema[name]
        inner = found_kind.inner if isinstance(found_kind, pl.List) else found_kind
        usable = inner.is_integer() if name != "timestamp" else inner.is_numeric()
        usable = usable and isinstance(found_kind, pl.List) == (name == "hash_ids")
        casts.append((pl.col(name).cast(kind, strict=False) if usable else pl.lit(None, dtype=kind)).alias(name))
    cells = frame.select(casts).with_columns(whole_ids()).with_row_index("row_number", offset=1)
    problem = pl.lit(None, dtype=pl.String).alias("problem")
    spare = [name for name in frame.columns if name not in COLUMNS]
    return cells.with_columns(pl.col("row_number").cast(pl.Int64), problem), spare, source
