"""Both forms of a RAGPulse trace as one frame: JSON lines with component files, or the two shared Parquet files."""

from pathlib import Path
from typing import Any

import polars as pl

from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.reading.flat_cells import typed_columns
from warehouse.ingest.reading.json_lines import decimal, json_lines, key_names, text, whole, whole_list
from warehouse.ingest.reading.source import Source, content_id, folder_files, is_parquet, open_file, read_parquet
from warehouse.ingest.shaping.checks import content_note

__all__ = ["CELLS", "COMPONENTS", "open_ragpulse", "read_components", "read_requests"]

COMPONENTS = ("sys_prompt", "passages_ids", "history", "web_search", "user_input")
"""Parts of a prompt, in the order in which the trace lists and its own replayer joins them."""
CELLS: dict[str, pl.DataType | type[pl.DataType]] = {
    "timestamp": pl.Float64,
    "input_length": pl.Int64,
    "output_length": pl.Int64,
    "session_id": pl.String,
    **dict.fromkeys(COMPONENTS, pl.List(pl.Int64)),
}
LENGTHS: dict[str, pl.DataType | type[pl.DataType]] = {"hash_id": pl.Int64, "token_length": pl.Int64}
TRACE_FILE = "0_trace.jsonl"


def open_ragpulse(path: Path) -> Source:
    """The trace file, also where its folder is named.

    Raises:
        UnreadableTrace: if there is none.
    """
    return open_file(path / TRACE_FILE if path.is_dir() and (path / TRACE_FILE).is_file() else path)


def read_requests(source: Source) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The rows, good or not: row_number, problem and CELLS; and notes.

    Raises:
        UnreadableTrace: if the keys are not a RAGPulse trace's.
    """
    if is_parquet(source.content):
        frame = read_parquet(source)
        rows, names = typed_columns(frame, CELLS), frame.columns
    else:
        lines = list(json_lines(source))
        names = key_names(value for _, value in lines[:1000])
        parsed = [_row(at, value) for at, value in lines]
        rows = pl.DataFrame(parsed, schema={**CELLS, "row_number": pl.Int64, "problem": pl.String}, orient="row")
    if not {"timestamp", "input_length", "output_length", "session_id"} <= set(names):
        found = ", ".join(repr(name[:40]) for name in names[:12]) or "none (no line is a JSON object)"
        raise UnreadableTrace(
            f"{source.path}: keys found: {found}; a ragpulse trace has timestamp, input_length, output_length, "
            "session_id, hash_ids. Rename the keys or choose another format"
        )
    return rows, content_note([name for name in names if name not in {*CELLS, "hash_ids"}])


def read_components(source: Source) -> tuple[pl.DataFrame | None, Source, tuple[str, ...]]:
    """Token lengths of the component ids from the files beside the trace.

    Returns:
        Columns hash_id (unique) and token_length, or None where no file tells; the source with an id over all files
        read; notes.

    Raises:
        UnreadableTrace: if such a file is damaged or lacks columns.
    """
    files = _beside(source)
    frames, parts, broken = [], [source.content], 0
    for file in files:
        lengths = _lengths(file)
        broken += lengths.select(pl.any_horizontal(pl.all().is_null()).sum()).item()
        frames.append(lengths.drop_nulls().filter(pl.col("token_length") >= 0))
        parts.append(file.content)
    if not frames:
        return None, source, ("no component files beside the trace: token lengths of shared prefixes are not told",)
    whole_source = Source(path=source.path, name=source.name, source_id=content_id(*parts), content=source.content)
    lengths = pl.concat(frames).unique("hash_id", keep="first", maintain_order=True)
    notes = (f"{broken} rows of the component files tell no id or no length and were left out",) if broken else ()
    return lengths, whole_source, notes


def _row(at: int, value: dict[str, Any] | str) -> dict[str, Any]:
    known = value if isinstance(value, dict) else {}
    nested = known.get("hash_ids")
    ids = nested if isinstance(nested, dict) else known
    return {
        "row_number": at,
        "problem": None if isinstance(value, dict) else value,
        "timestamp": decimal(known.get("timestamp")),
        "input_length": whole(known.get("input_length")),
        "output_length": whole(known.get("output_length")),
        "session_id": text(known.get("session_id")),
        **{name: whole_list(ids.get(name)) for name in COMPONENTS},
    }


def _beside(source: Source) -> list[Source]:
    """Component files in the trace's folder; links that lead out of it are not followed."""
    folder = source.path.parent
    if is_parquet(source.content):
        name = source.name.replace("_requests", "_components")
        pattern = name if name != source.name else ""
    else:
        pattern = "[1-9]_*.jsonl"
    if not pattern:
        return []
    files, _ = folder_files(folder, pattern)
    return [open_file(file) for file in files if file.name != source.name and file.stat().st_size]


def _lengths(file: Source) -> pl.DataFrame:
    if is_parquet(file.content):
        frame = read_parquet(file)
        if not set(LENGTHS) <= set(frame.columns):
            raise UnreadableTrace(f"{file.path}: lacks the columns hash_id, token_length; export it again or remove it")
        return typed_columns(frame, LENGTHS).select(*LENGTHS)
    rows = []
    for _, value in json_lines(file):
        known = value if isinstance(value, dict) else {}
        ids = [whole(known[name]) for name in known if name.endswith("_id")]
        rows.append({"hash_id": ids[0] if ids else None, "token_length": whole(known.get("token_length"))})
    return pl.DataFrame(rows, schema=LENGTHS, orient="row")
