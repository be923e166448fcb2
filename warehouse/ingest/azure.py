"""Adapter of the Azure LLM inference traces: one CSV or Parquet row per call, wall-clock times, token counts only."""

import csv
import io
from datetime import date
from pathlib import Path

import polars as pl

from warehouse.contracts import Surface
from warehouse.ingest.checks import Check, content_note, split_rows, token_checks
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import Ingested, Parsed
from warehouse.ingest.rows import finish
from warehouse.ingest.source import Source, is_parquet, open_file, read_parquet

__all__ = ["COLUMNS", "fits_columns", "read_azure"]

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
EPOCH_UNITS = ((1e8, 1e11, "seconds"), (1e11, 1e14, "milliseconds"), (1e14, 1e17, "microseconds"))
ISO = "%Y-%m-%d %H:%M:%S%.f"
NUMBERS_ONLY = r"^[0-9TZ:+. eE-]{0,64}$"


def fits_columns(columns: list[str]) -> bool:
    """Whether these column names are an Azure trace's (a format is recognised by them)."""
    return set(COLUMNS) <= set(columns)


def read_azure(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads an Azure trace; times are its own, so the anchor is not used.

    Raises:
        UnreadableTrace: if the file cannot be used at all.
    """
    del anchor
    source = open_file(path)
    cells, spare = _parquet_cells(source) if is_parquet(source.content) else _csv_cells(source)
    if cells.is_empty():
        raise UnreadableTrace(f"{path}: has a header and no rows; was the download or export finished?")
    _refuse_epoch(cells, source)
    typed = _typed(cells)
    good, refused = split_rows(typed, _checks(), _raw())
    served = surface or (Surface.API_BURST if "code" in path.name.lower() else Surface.LONG_CONTEXT_CHAT)
    number = pl.col("row_number").cast(pl.String)
    calls = good.select(
        "row_number",
        call_id=pl.format("{}-{}", pl.lit(source.source_id[:8]), number),
        session_id=pl.format("{}-s{}", pl.lit(source.source_id[:8]), number),
        requested_at=pl.col("requested_at").dt.replace_time_zone("UTC"),
        input_tokens="ContextTokens",
        output_tokens="GeneratedTokens",
    ).sort("requested_at", maintain_order=True)
    notes = (
        "the trace tells no sessions: every call is its own session, tenant and client are unknown",
        f"assumed: surface {served.value} (from the file name unless chosen), tier by surface",
        *content_note(spare),
        *_end_note(source),
    )
    return finish(Parsed(calls=calls, refused=refused, rows_read=cells.height, notes=notes), source, served)


def _checks() -> list[Check]:
    when = pl.col("requested_at")
    return [
        Check(
            rule="row_is_complete",
            holds=pl.col("complete"),
            reason=pl.lit("the line has another number of fields than the header (cut short?)"),
        ),
        Check(rule="text_is_utf8", holds=pl.col("utf8"), reason=pl.lit("the line holds bytes that are not UTF-8")),
        Check(
            rule="timestamp_is_iso",
            holds=when.is_not_null(),
            reason=pl.lit("TIMESTAMP is not a time like 2023-11-16 18:15:46.6805900 (UTC)"),
        ),
        Check(
            rule="timestamp_is_plausible",
            holds=when.dt.year().is_between(2015, 2100),
            reason=pl.format("TIMESTAMP lies in the year {}", when.dt.year()),
        ),
        *token_checks("ContextTokens", "GeneratedTokens"),
    ]


def _csv_cells(source: Source) -> tuple[pl.DataFrame, list[str]]:
    """The three columns as text with row numbers (from 1, blank lines skipped but counted), and the spare columns."""
    lines = _lines(source.content)
    header = lines.filter(pl.col("line").str.strip_chars() != "").head(1)
    at, text = header["at"][0], header["line"][0]
    columns = [name.strip().strip('"').strip() for name in text.lstrip("\ufeff").split(",")]
    _need_columns(columns, source)
    body = lines.filter(pl.col("at") > at, pl.col("line").str.strip_chars() != "")
    numbered = body.select("line", row_number=pl.col("at") - at)
    if len(columns) == len(COLUMNS):
        return _split_lines(numbered, columns), []
    return _parse_records(source.content, columns), [name for name in columns if name not in COLUMNS]


def _lines(content: bytes) -> pl.DataFrame:
    try:
        lines = pl.read_lines(io.BytesIO(content), name="line")
    except pl.exceptions.PolarsError:
        lines = pl.DataFrame({"line": content.decode("utf-8", errors="replace").split("\n")})
    return lines.with_row_index("at", offset=1).with_columns(pl.col("at").cast(pl.Int64))


def _split_lines(numbered: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Fast path: lines of exactly the three columns, split as columns."""
    fields = pl.col("line").str.split_exact(",", 2).struct.rename_fields(columns)
    return numbered.select(
        "row_number",
        fields.alias("fields"),
        complete=pl.col("line").str.count_matches(",", literal=True) == 2,
        utf8=~pl.col("line").str.contains("\ufffd", literal=True),
    ).unnest("fields")


def _parse_records(content: bytes, columns: list[str]) -> pl.DataFrame:
    """Slow path: a file with more columns, whose text may hold quoted commas and line ends."""
    where = [columns.index(name) for name in COLUMNS]
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"), newline=""))
    rows: list[tuple[int, bool, bool, str | None, str | None, str | None]] = []
    number = -1
    while True:
        try:
            record = next(reader)
        except StopIteration:
            break
        except csv.Error:
            record = []
            number += 1
            rows.append((number, False, True, None, None, None))
            continue
        if not any(field.strip() for field in record):
            continue
        number += 1
        if number == 0:
            continue
        complete = len(record) == len(columns)
        cells = [record[at] if complete else None for at in where]
        utf8 = not any("\ufffd" in cell for cell in cells if cell)
        rows.append((number, complete, utf8, cells[0], cells[1], cells[2]))
    kinds = {"row_number": pl.Int64, "complete": pl.Boolean, "utf8": pl.Boolean}
    return pl.DataFrame(rows, schema={**kinds, **dict.fromkeys(COLUMNS, pl.String)}, orient="row")


def _parquet_cells(source: Source) -> tuple[pl.DataFrame, list[str]]:
    frame = read_parquet(source)
    _need_columns(frame.columns, source)
    cells = frame.select(COLUMNS).with_row_index("row_number", offset=1)
    flags = cells.with_columns(
        pl.col("row_number").cast(pl.Int64), complete=pl.lit(value=True), utf8=pl.lit(value=True)
    )
    nested = [name for name in COLUMNS if frame.schema[name].is_nested() or frame.schema[name] == pl.Binary]
    return flags.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in nested), [
        name for name in frame.columns if name not in COLUMNS
    ]


def _need_columns(columns: list[str], source: Source) -> None:
    if not fits_columns(columns) or len(set(columns)) < len(columns):
        found = ", ".join(repr(name[:40]) for name in columns[:12])
        raise UnreadableTrace(
            f"{source.path}: columns found: {found}; an azure trace has TIMESTAMP, ContextTokens, GeneratedTokens. "
            "Rename the columns or choose another format"
        )


def _refuse_epoch(cells: pl.DataFrame, source: Source) -> None:
    """Numbers instead of ISO times are a wrong unit of the whole file.

    Raises:
        UnreadableTrace: with the guessed unit.
    """
    if cells.schema["TIMESTAMP"].is_temporal():
        return
    numbers = cells["TIMESTAMP"].cast(pl.String).str.strip_chars('" ').cast(pl.Float64, strict=False).drop_nulls()
    if len(numbers) * 2 <= cells.height:
        return
    typical = float(numbers.abs().median() or 0)  # type: ignore[arg-type]
    unit = next((name for low, high, name in EPOCH_UNITS if low <= typical < high), None)
    guess = (
        f"they look like Unix {unit}"
        if unit
        else "they look like Unix nanoseconds"
        if typical >= 1e17
        else ("they look like an offset from the start")
    )
    raise UnreadableTrace(
        f"{source.path}: TIMESTAMP holds numbers (typically {typical:.10g}) where an azure trace has UTC times like "
        f"2023-11-16 18:15:46.6805900; {guess}: convert the column to ISO times"
    )


def _typed(cells: pl.DataFrame) -> pl.DataFrame:
    """Times and whole numbers, null where a cell is neither; the cells themselves stay as `cell_...` for _raw."""
    return cells.with_columns(
        pl.col(COLUMNS).name.prefix("cell_"),
        requested_at=_times(cells["TIMESTAMP"]),
        ContextTokens=_whole(cells, "ContextTokens"),
        GeneratedTokens=_whole(cells, "GeneratedTokens"),
    )


def _raw() -> pl.Expr:
    """The cells of a refused row as JSON, as far as they look like numbers or times; text may be what people wrote."""
    cells = {name: pl.col(f"cell_{name}").cast(pl.String).str.strip_chars('" \r') for name in COLUMNS}
    shown = (pl.when(cell.str.contains(NUMBERS_ONLY)).then(cell).alias(name) for name, cell in cells.items())
    return pl.struct(shown).struct.json_encode()


def _times(stamps: pl.Series) -> pl.Series:
    """UTC times without zone, null where a cell is no time."""
    kind = stamps.dtype
    if isinstance(kind, pl.Datetime):
        utc = stamps.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if kind.time_zone else stamps
        return utc.cast(pl.Datetime("us"))
    if kind.is_temporal():
        return pl.Series(stamps.name, [None] * len(stamps), dtype=pl.Datetime("us"))
    text = stamps.cast(pl.String)
    plain = text.str.to_datetime(ISO, time_unit="us", strict=False)
    if not plain.null_count():
        return plain
    bare = text.str.strip_chars('" ').str.replace("T", " ", literal=True).str.replace(r"(Z|\+00:?00| UTC)$", "")
    return bare.str.to_datetime(ISO, time_unit="us", strict=False)


def _whole(cells: pl.DataFrame, name: str) -> pl.Expr:
    kind = cells.schema[name]
    if kind.is_integer():
        return pl.col(name).cast(pl.Int64, strict=False)
    if kind.is_float():
        return pl.when(pl.col(name) == pl.col(name).round()).then(pl.col(name).cast(pl.Int64, strict=False))
    return pl.col(name).cast(pl.String).str.strip_chars('" \r').cast(pl.Int64, strict=False)


def _end_note(source: Source) -> tuple[str, ...]:
    if is_parquet(source.content) or source.content.endswith(b"\n"):
        return ()
    return ("the last line has no line end: if the file was cut there, its last number may be too short",)
