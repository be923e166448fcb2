"""The table of trace formats, how a format is recognised, and the one entry point that reads any of them."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from warehouse.contracts import Surface
from warehouse.ingest import azure, mooncake, weka_parquet
from warehouse.ingest.azure import read_azure
from warehouse.ingest.errors import UnknownFormat, UnreadableTrace
from warehouse.ingest.ingested import Ingested
from warehouse.ingest.mooncake import read_mooncake
from warehouse.ingest.source import folder_files, is_parquet, open_file
from warehouse.ingest.weka import read_weka

__all__ = ["DEFAULT_ANCHOR", "FORMATS", "TraceFormat", "detect_format", "ingest"]

DEFAULT_ANCHOR = date(2025, 1, 6)
"""The Monday on which traces that tell only relative times begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFormat:
    """A trace format that can be ingested."""

    name: str
    description: str
    default_surface: Surface
    """Surface of its calls unless one is chosen (an azure file with `code` in its name counts as api_burst)."""
    read: Callable[[Path, Surface | None, date], Ingested]
    fits_columns: Callable[[list[str]], bool]
    """Whether a file with these columns or keys is of this format."""


FORMATS: Mapping[str, TraceFormat] = {
    "azure": TraceFormat(
        name="azure",
        description="Azure LLM inference 2023: CSV or Parquet of TIMESTAMP, ContextTokens, GeneratedTokens",
        default_surface=Surface.LONG_CONTEXT_CHAT,
        read=read_azure,
        fits_columns=azure.fits_columns,
    ),
    "mooncake": TraceFormat(
        name="mooncake",
        description="Mooncake: JSON lines or Parquet of timestamp (ms), input_length, output_length, hash_ids",
        default_surface=Surface.LONG_CONTEXT_CHAT,
        read=read_mooncake,
        fits_columns=mooncake.fits_columns,
    ),
    "weka": TraceFormat(
        name="weka",
        description="Claude Code sessions of kv-cache-tester: trace_NNNN.json, a folder of them, or *_requests.parquet",
        default_surface=Surface.CODEX_LOOP,
        read=read_weka,
        fits_columns=lambda names: "requests" in names or weka_parquet.fits_columns(names),
    ),
}


def ingest(format: str, path: Path, *, surface: Surface | None = None, anchor: date = DEFAULT_ANCHOR) -> Ingested:  # noqa: A002
    """Reads a trace into the tables of the house; refused rows go to quarantine with their rule and reason.

    Args:
        format: a name of FORMATS.
        path: the trace file (weka: also a folder of trace files).
        surface: product surface of all calls; the format's default if not given.
        anchor: day on which traces begin that tell only relative times.

    Raises:
        UnknownFormat: if no adapter has that name.
        UnreadableTrace: if not one row of it can be used.
    """
    if format not in FORMATS:
        raise UnknownFormat(f"unknown trace format {format[:40]!r}; known: {', '.join(FORMATS)}")
    return FORMATS[format].read(path, surface, anchor)


def detect_format(path: Path) -> str:
    """Name of the one format whose columns or keys this file or folder has.

    Raises:
        UnreadableTrace: if none or several fit.
    """
    columns = _columns(path)
    fitting = [name for name, known in FORMATS.items() if known.fits_columns(columns)]
    if len(fitting) == 1:
        return fitting[0]
    found = ", ".join(repr(name[:40]) for name in columns[:12]) or "none"
    known = ", ".join(FORMATS)
    if fitting:
        raise UnreadableTrace(
            f"{path}: the formats {' and '.join(fitting)} both fit (columns: {found}); name the format"
        )
    raise UnreadableTrace(f"{path}: no known format has these columns: {found}; known formats: {known}")


def _columns(path: Path) -> list[str]:
    """Column names or keys of a file; of the first trace file of a folder."""
    if path.is_dir():
        files = [*folder_files(path, "*_requests.parquet")[0], *folder_files(path, "*.json")[0]]
        if not files:
            raise UnreadableTrace(f"{path}: a folder without trace_NNNN.json or *_requests.parquet files; name a file")
        path = files[0]
    source = open_file(path)
    if is_parquet(source.content):
        try:
            return list(pl.read_parquet_schema(io.BytesIO(source.content)))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise UnreadableTrace(f"{path}: is a damaged Parquet file; export it again") from error
    for text in (source.content.lstrip().split(b"\n", 1)[0], source.content):
        if not text.lstrip(b"\xef\xbb\xbf").startswith(b"{"):
            break
        try:
            value = json.loads(text.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            continue
        return list(value) if isinstance(value, dict) else []
    header = source.content.lstrip().split(b"\n", 1)[0][:100_000].decode("utf-8-sig", errors="replace")
    return [name.strip().strip('"') for name in header.split(",")]
