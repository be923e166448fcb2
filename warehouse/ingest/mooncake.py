"""Adapter of the Mooncake traces: one JSON line or Parquet row per call, with ids of 512-token prefix blocks."""

import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import polars as pl

from warehouse.contracts import Surface
from warehouse.ingest.checks import Check, content_note, split_rows, token_checks
from warehouse.ingest.clues import Clues
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import Ingested, Parsed
from warehouse.ingest.mooncake_unit import LONGEST_SPAN_MS, refuse_unit
from warehouse.ingest.prefix import longest_shared_prefix, runs_of_ids
from warehouse.ingest.rows import finish
from warehouse.ingest.source import Source, is_parquet, open_file, read_parquet

__all__ = ["COLUMNS", "fits", "read_mooncake"]

COLUMNS = ("timestamp", "input_length", "output_length", "hash_ids")
BLOCK_TOKENS = 512
"""Published with the trace: Mooncake, FAST'25."""
CHUNK_LINES = 4096
CELLS: dict[str, pl.DataType | type[pl.DataType]] = {
    "timestamp": pl.Float64,
    "input_length": pl.Int64,
    "output_length": pl.Int64,
    "hash_ids": pl.List(pl.Int64),
}
INT64 = 2**63


def fits(clues: Clues) -> bool:
    """Whether a trace looks like Mooncake's; Bailian's has a chat beside the same keys, RAGPulse's ids by component."""
    return clues.has(*COLUMNS) and not clues.has("chat_id") and "hash_ids.sys_prompt" not in clues.keys


def read_mooncake(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads a Mooncake trace; its milliseconds count from midnight UTC of the anchor day.

    Raises:
        UnreadableTrace: if the file cannot be used at all, or its times are in another unit.
    """
    source = open_file(path)
    cells, spare = _parquet_cells(source) if is_parquet(source.content) else _json_cells(source)
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
    return finish(Parsed(calls=calls, refused=refused, rows_read=cells.height, notes=notes), source, served)


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
            holds=pl.col("hash_ids").is_not_null() & ~pl.col("hash_ids").list.contains(None, nulls_equal=True),
            reason=pl.lit("hash_ids is missing or holds something else than whole numbers"),
        ),
        Check(
            rule="hash_ids_match_length",
            holds=count == blocks,
            reason=pl.format("{} hash_ids, but input_length {} has {} blocks", count, pl.col("input_length"), blocks),
        ),
    ]


def _with_lineage(good: pl.DataFrame, source: Source, origin: datetime) -> pl.DataFrame:
    rows = good.sort("timestamp", maintain_order=True)
    shared = longest_shared_prefix(np.zeros(rows.height, dtype=np.int64), runs_of_ids(rows["hash_ids"]))
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


def _json_cells(source: Source) -> tuple[pl.DataFrame, list[str]]:
    """Columns of the readable lines, and of the others what is wrong with them."""
    lines = source.content.split(b"\n")
    numbers = [at for at, line in enumerate(lines) if line.strip()]
    names = _names([lines[at] for at in numbers[:1000]])
    if not set(COLUMNS) <= set(names):
        found = ", ".join(repr(name[:40]) for name in names[:12]) or "none (no line is a JSON object)"
        raise UnreadableTrace(
            f"{source.path}: keys found: {found}; a mooncake trace has timestamp, input_length, output_length, "
            "hash_ids, one JSON object per line. Rename the keys or choose another format"
        )
    parts = []
    for begin in range(0, len(numbers), CHUNK_LINES):
        chunk = numbers[begin : begin + CHUNK_LINES]
        texts = [lines[at] for at in chunk]
        part = _fast(texts)
        if part is None:
            part = _slow(texts)
        parts.append(part.with_columns(row_number=pl.Series([at + 1 for at in chunk], dtype=pl.Int64)))
    return pl.concat(parts, rechunk=True), [name for name in names if name not in COLUMNS]


def _names(lines: Sequence[bytes]) -> list[str]:
    names: dict[str, None] = {}
    for line in lines:
        value = _object(line)
        if isinstance(value, dict):
            names.update(dict.fromkeys(value))
    return list(names)


def _fast(lines: Sequence[bytes]) -> pl.DataFrame | None:
    """A chunk in one go, or None if any line needs a closer look."""
    try:
        frame = pl.read_ndjson(io.BytesIO(b"\n".join(lines)), schema=CELLS)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        return None
    if frame.height != len(lines):
        return None
    return frame.with_columns(pl.lit(None, dtype=pl.String).alias("problem"))


def _slow(lines: Sequence[bytes]) -> pl.DataFrame:
    """A chunk line by line: what cannot be read becomes a problem, a wrong cell becomes null."""
    rows = []
    for line in lines:
        value = _object(line)
        known = value if isinstance(value, dict) else {}
        stamp = known.get("timestamp")
        rows.append(
            {
                "timestamp": _number(stamp),
                "input_length": _whole(known.get("input_length")),
                "output_length": _whole(known.get("output_length")),
                "hash_ids": _ids(known.get("hash_ids")),
                "problem": None if isinstance(value, dict) else str(value),
            }
        )
    return pl.DataFrame(rows, schema={**CELLS, "problem": pl.String}, orient="row")


def _raw() -> pl.Expr:
    shown = pl.struct("timestamp", "input_length", "output_length", pl.col("hash_ids").list.head(8))
    return shown.struct.json_encode()


def _object(line: bytes) -> dict[str, object] | str:
    """The JSON object of a line, or what is wrong with the line."""
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return "the line holds bytes that are not UTF-8"
    except RecursionError:
        return "the line is nested too deeply"
    except ValueError:
        return "the line is not JSON (cut short?)"
    return value if isinstance(value, dict) else "the line is JSON, but not an object"


def _number(value: object) -> float | None:
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < INT64 else None
    )


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < INT64 or value != int(value):
        return None
    return int(value)


def _ids(value: object) -> list[int | None] | None:
    if not isinstance(value, Iterable) or isinstance(value, str | dict):
        return None
    return [_whole(item) for item in value]


def _parquet_cells(source: Source) -> tuple[pl.DataFrame, list[str]]:
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
    cells = frame.select(casts).with_row_index("row_number", offset=1)
    problem = pl.lit(None, dtype=pl.String).alias("problem")
    spare = [name for name in frame.columns if name not in COLUMNS]
    return cells.with_columns(pl.col("row_number").cast(pl.Int64), problem), spare
