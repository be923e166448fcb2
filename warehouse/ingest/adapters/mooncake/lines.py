"""Lines of a Mooncake trace as cells: clean lines by columns, others one by one, a slab of the file at a time."""

import io
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import polars as pl

from warehouse.ingest.adapters.mooncake.clean_lines import clean_cells
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.reading.json_lines import json_object, key_names, whole, whole_list
from warehouse.ingest.reading.slabs import Slab, TextFile
from warehouse.ingest.reading.source import Source

__all__ = ["CELLS", "COLUMNS", "read_lines", "whole_ids"]

COLUMNS = ("timestamp", "input_length", "output_length", "hash_ids")
CELLS: dict[str, pl.DataType | type[pl.DataType]] = {
    "timestamp": pl.Float64,
    "input_length": pl.Int64,
    "output_length": pl.Int64,
    "hash_ids": pl.List(pl.Int64),
}
CHUNK_LINES = 4096
SHOWN_LINES = 1000
"""Lines whose keys are looked at."""
INT64 = 2**63
READERS_COUNT = 2
"""Slabs that are read side by side: numpy lets go of the interpreter, so two keep two cores busy."""


def read_lines(path: Path) -> tuple[pl.DataFrame, list[str], Source]:
    """Columns of CELLS with row_number and problem, the keys beside them, and the source.

    Raises:
        UnreadableTrace: if the file cannot be read, or its lines have not the keys of a Mooncake trace.
    """
    file = TextFile(path=path)
    parts: list[pl.DataFrame] = []
    names: list[str] = []
    with ThreadPoolExecutor(READERS_COUNT) as pool:
        ahead: deque[Future[pl.DataFrame]] = deque()
        for slab in file.slabs():
            if not names:
                first = slab.content[: 1 << 20].split(b"\n")[:SHOWN_LINES]
                names = key_names(json_object(line) for line in first if line.strip())
            ahead.append(pool.submit(_cells, slab))
            if len(ahead) > READERS_COUNT:
                parts.append(ahead.popleft().result())
        parts += [later.result() for later in ahead]
    if not set(COLUMNS) <= set(names):
        found = ", ".join(repr(name[:40]) for name in names[:12]) or "none (no line is a JSON object)"
        raise UnreadableTrace(
            f"{path}: keys found: {found}; a mooncake trace has timestamp, input_length, output_length, hash_ids, one "
            "JSON object per line. Rename the keys or choose another format"
        )
    source = Source(path=path, name=path.name, source_id=file.source_id, content=b"")
    return pl.concat(parts, how="vertical_relaxed"), [name for name in names if name not in COLUMNS], source


def _cells(slab: Slab) -> pl.DataFrame:
    if slab.is_overlong:
        problem = {"row_number": [slab.first_line], "problem": ["the line is longer than 8 MB"]}
        empty = pl.DataFrame(problem, schema={"row_number": pl.Int64, "problem": pl.String})
        return empty.select(
            *(pl.lit(None, dtype=kind).alias(name) for name, kind in CELLS.items()), "problem", "row_number"
        )
    content = slab.content.removeprefix(b"\xef\xbb\xbf") if slab.first_line == 1 else slab.content
    clean = clean_cells(content)
    if clean is not None:
        return clean.with_columns(row_number=pl.int_range(pl.len(), dtype=pl.Int64) + slab.first_line)
    lines = content.split(b"\n")
    numbers = [at for at, line in enumerate(lines) if line.strip()]
    parts = [pl.DataFrame(schema={**CELLS, "problem": pl.String, "row_number": pl.Int64})]
    for begin in range(0, len(numbers), CHUNK_LINES):
        chunk = numbers[begin : begin + CHUNK_LINES]
        texts = [lines[at] for at in chunk]
        part = _parsed(texts)
        if part is None:
            part = _one_by_one(texts)
        parts.append(part.with_columns(row_number=pl.Series([slab.first_line + at for at in chunk], dtype=pl.Int64)))
    return pl.concat(parts)


def _parsed(lines: Sequence[bytes]) -> pl.DataFrame | None:
    """A chunk in one go, or None if any line needs a closer look."""
    try:
        frame = pl.read_ndjson(io.BytesIO(b"\n".join(lines)), schema=CELLS)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        return None
    if frame.height != len(lines):
        return None
    return frame.with_columns(whole_ids(), pl.lit(None, dtype=pl.String).alias("problem"))


def whole_ids() -> pl.Expr:
    """The lists of ids, null where one holds something else than whole numbers."""
    ids = pl.col("hash_ids")
    return pl.when(ids.list.drop_nulls().list.len() == ids.list.len()).then(ids)


def _one_by_one(lines: Sequence[bytes]) -> pl.DataFrame:
    """A chunk line by line: what cannot be read becomes a problem, a wrong cell becomes null."""
    rows = []
    for line in lines:
        value = json_object(line)
        known = value if isinstance(value, dict) else {}
        rows.append(
            {
                "timestamp": _number(known.get("timestamp")),
                "input_length": whole(known.get("input_length")),
                "output_length": whole(known.get("output_length")),
                "hash_ids": whole_list(known.get("hash_ids")),
                "problem": None if isinstance(value, dict) else str(value),
            }
        )
    return pl.DataFrame(rows, schema={**CELLS, "problem": pl.String}, orient="row").with_columns(whole_ids())


def _number(value: object) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < INT64
    return float(value) if plain else None  # type: ignore[arg-type]
