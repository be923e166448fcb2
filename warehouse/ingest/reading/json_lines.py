"""JSON lines read with patience: columns in one go where a chunk is clean, line by line where it is not."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from warehouse.ingest.reading.source import Source

__all__ = [
    "decimal",
    "iso_time",
    "json_line_cells",
    "json_lines",
    "json_object",
    "key_names",
    "text",
    "whole",
    "whole_list",
]

Kinds = Mapping[str, pl.DataType | type[pl.DataType]]
CHUNK_LINES = 4096
NAMED_LINES = 1000
"""Lines whose keys are looked at to name what is spare."""
INT64 = 2**63
LONGEST_TEXT = 1000


def json_lines(source: Source) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Row number (from 1, blank lines skipped but counted) of each line, and its object or what is wrong with it."""
    for at, line in enumerate(source.content.split(b"\n"), start=1):
        if line.strip():
            yield at, json_object(line)


def json_line_cells(source: Source, kinds: Kinds) -> tuple[pl.DataFrame, list[str]]:
    """The known keys of every line as columns, and the names of all keys.

    Args:
        source: the file.
        kinds: known keys with their types: Int64, Float64, String or List(Int64).

    Returns:
        row_number, problem (null, or what is wrong with the line) and the known keys, null where a value is of another
        type; and the keys of the first lines in order of appearance.
    """
    lines = source.content.split(b"\n")
    numbers = [at for at, line in enumerate(lines) if line.strip()]
    names = key_names(json_object(lines[at]) for at in numbers[:NAMED_LINES])
    parts = []
    for begin in range(0, len(numbers), CHUNK_LINES):
        chunk = numbers[begin : begin + CHUNK_LINES]
        texts = [lines[at] for at in chunk]
        part = _fast(texts, kinds)
        if part is None:
            part = _slow(texts, kinds)
        parts.append(part.with_columns(row_number=pl.Series([at + 1 for at in chunk], dtype=pl.Int64)))
    empty = pl.DataFrame(schema={**kinds, "problem": pl.String, "row_number": pl.Int64})
    return pl.concat([empty, *parts], rechunk=True), names


def key_names(objects: Iterable[dict[str, Any] | str]) -> list[str]:
    """Keys of these objects in order of appearance."""
    names: dict[str, None] = {}
    for value in objects:
        if isinstance(value, dict):
            names.update(dict.fromkeys(value))
    return [_clean(name) for name in names]


def decimal(value: object) -> float | None:
    """A JSON number, or a text of one, as float; null where it is neither, or beyond 64 bits."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < INT64
    return float(value) if is_number else None  # type: ignore[arg-type]


def iso_time(value: object) -> datetime | None:
    """An ISO time as UTC, one without zone taken as UTC; null where it is none."""
    if not isinstance(value, str):
        return None
    try:
        stamp = datetime.fromisoformat(value[:40])
        return stamp.astimezone(UTC) if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def whole(value: object) -> int | None:
    """A JSON number without fraction as int, null where it is none or beyond 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < INT64 or value != int(value):
        return None
    return int(value)


def whole_list(value: object) -> list[int | None] | None:
    """A JSON list as whole numbers with null for what is none; null where it is no list."""
    return [whole(item) for item in value] if isinstance(value, list) else None


def text(value: object) -> str | None:
    """A JSON text that can be encoded (lone surrogates replaced, capped), or a whole number as text; else null."""
    if isinstance(value, str):
        return _clean(value)
    number = whole(value)
    return None if number is None else str(number)


def _clean(value: str) -> str:
    kept = value[:LONGEST_TEXT]
    return kept if kept.isascii() else kept.encode("utf-8", errors="replace").decode("utf-8")


def json_object(line: bytes) -> dict[str, Any] | str:
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


def _fast(lines: Sequence[bytes], kinds: Kinds) -> pl.DataFrame | None:
    """A chunk in one go, or None if any line needs a closer look."""
    try:
        frame = pl.read_ndjson(io.BytesIO(b"\n".join(lines)), schema=dict(kinds))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        return None
    if frame.height != len(lines):
        return None
    return frame.with_columns(pl.lit(None, dtype=pl.String).alias("problem"))


def _slow(lines: Sequence[bytes], kinds: Kinds) -> pl.DataFrame:
    """A chunk line by line: what cannot be read becomes a problem, a wrong value becomes null."""
    rows: list[dict[str, Any]] = []
    for line in lines:
        value = json_object(line)
        known = value if isinstance(value, dict) else {}
        row: dict[str, Any] = {name: _value(known.get(name), kind) for name, kind in kinds.items()}
        rows.append({**row, "problem": None if isinstance(value, dict) else value})
    return pl.DataFrame(rows, schema={**kinds, "problem": pl.String}, orient="row")


def _value(value: object, kind: pl.DataType | type[pl.DataType]) -> object:
    if kind == pl.Int64:
        return whole(value)
    if kind == pl.Float64:
        return decimal(value)
    return whole_list(value) if isinstance(kind, pl.List) else text(value)
