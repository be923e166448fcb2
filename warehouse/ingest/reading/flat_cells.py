"""Cells of a flat trace, CSV or Parquet: columns of text or numbers with row numbers, and what a cell means."""

import csv
import io
from collections.abc import Mapping, Sequence

import polars as pl

from warehouse.ingest.reading.source import Source, is_parquet

__all__ = [
    "csv_cells",
    "csv_header",
    "decimal_number",
    "end_note",
    "parquet_cells",
    "typed_columns",
    "whole_number",
]


def csv_header(source: Source) -> list[str]:
    """Column names of the first line that is not blank, without quotes and byte order mark."""
    first = next((line for line in io.BytesIO(source.content) if line.strip()), b"")
    header = first[:100_000].decode("utf-8-sig", errors="replace")
    return [name.strip().strip('"').strip() for name in header.split(",")]


def csv_cells(source: Source, columns: Sequence[str], wanted: Sequence[str]) -> pl.DataFrame:
    """The wanted columns as text, with row numbers from 1 (blank lines are skipped but counted on the fast path).

    Args:
        source: the file.
        columns: all column names of the header.
        wanted: names among them.

    Returns:
        row_number, complete (the line has as many fields as the header), utf8, and the wanted columns as text.
    """
    if set(columns) != set(wanted):
        return _parse_records(source.content, columns, wanted)
    lines = _lines(source.content)
    filled = lines.filter(pl.col("line").str.strip_chars() != "")
    at = filled["at"][0]
    body = filled.filter(pl.col("at") > at)
    fields = pl.col("line").str.split_exact(",", len(columns) - 1).struct.rename_fields(list(columns))
    return body.select(
        fields.alias("fields"),
        row_number=pl.col("at") - at,
        complete=pl.col("line").str.count_matches(",", literal=True) == len(columns) - 1,
        utf8=~pl.col("line").str.contains("\ufffd", literal=True),
    ).unnest("fields")


def parquet_cells(frame: pl.DataFrame, wanted: Sequence[str]) -> pl.DataFrame:
    """The wanted columns with row numbers from 1; a column of lists, objects or bytes becomes null."""
    odd = [name for name in wanted if frame.schema[name].is_nested() or frame.schema[name] == pl.Binary]
    return (
        frame.select(wanted)
        .with_row_index("row_number", offset=1)
        .with_columns(
            pl.col("row_number").cast(pl.Int64),
            *(pl.lit(None, dtype=pl.String).alias(name) for name in odd),
            complete=pl.lit(value=True),
            utf8=pl.lit(value=True),
        )
    )


def typed_columns(frame: pl.DataFrame, kinds: Mapping[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    """The columns of a Parquet frame in these types with row numbers from 1; a column or cell of another is null."""
    columns = []
    for name, kind in kinds.items():
        found = frame.schema.get(name)
        inner, wanted = (each.inner if isinstance(each, pl.List) else each for each in (found, kind))
        usable = found is not None and isinstance(found, pl.List) == isinstance(kind, pl.List)
        if usable and inner == pl.Null:
            usable = True  # a column of nulls or of empty lists fits any type
        elif usable and wanted == pl.Int64:
            usable = inner.is_integer()  # type: ignore[union-attr]
        elif usable and wanted == pl.Float64:
            usable = inner.is_numeric()  # type: ignore[union-attr]
        elif usable:
            usable = inner == pl.String or inner.is_integer()  # type: ignore[union-attr]
        column = pl.col(name).cast(kind, strict=False) if usable else pl.lit(None, dtype=kind)
        columns.append(column.alias(name))
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    return frame.select(*columns, row_number=number, problem=pl.lit(None, dtype=pl.String))


def whole_number(cells: pl.DataFrame, name: str) -> pl.Expr:
    """The column as whole numbers, null where a cell is none."""
    kind = cells.schema[name]
    if kind.is_integer():
        return pl.col(name).cast(pl.Int64, strict=False)
    if kind.is_float():
        return pl.when(pl.col(name) == pl.col(name).round()).then(pl.col(name).cast(pl.Int64, strict=False))
    return pl.col(name).cast(pl.String).str.strip_chars('" \r').cast(pl.Int64, strict=False)


def decimal_number(cells: pl.DataFrame, name: str) -> pl.Expr:
    """The column as numbers, null where a cell is none, not finite or beyond 64 bits."""
    kind = cells.schema[name]
    number = pl.col(name) if kind.is_numeric() else pl.col(name).cast(pl.String).str.strip_chars('" \r')
    if kind == pl.Boolean:
        number = pl.lit(None, dtype=pl.Float64)
    read = number.cast(pl.Float64, strict=False)
    return pl.when(read.abs() < 2.0**63).then(read)


def end_note(source: Source) -> tuple[str, ...]:
    """A warning where the last line has no end: its last number may have been cut."""
    if is_parquet(source.content) or source.content.endswith(b"\n"):
        return ()
    return ("the last line has no line end: if the file was cut there, its last number may be too short",)


def _lines(content: bytes) -> pl.DataFrame:
    try:
        lines = pl.read_lines(io.BytesIO(content), name="line")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        lines = pl.DataFrame({"line": content.decode("utf-8", errors="replace").split("\n")})
    return lines.with_row_index("at", offset=1).with_columns(pl.col("at").cast(pl.Int64))


def _parse_records(content: bytes, columns: Sequence[str], wanted: Sequence[str]) -> pl.DataFrame:
    """Slow path: a file with more columns, whose text may hold quoted commas and line ends."""
    where = [columns.index(name) for name in wanted]
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"), newline=""))
    rows: list[tuple[int | bool | str | None, ...]] = []
    nothing = (None,) * len(where)
    number = -1
    while True:
        try:
            record = next(reader)
        except StopIteration:
            break
        except csv.Error:
            number += 1
            rows.append((number, False, True, *nothing))
            continue
        if not any(field.strip() for field in record):
            continue
        number += 1
        if number == 0:
            continue
        complete = len(record) == len(columns)
        cells = tuple(record[at] for at in where) if complete else nothing
        rows.append((number, complete, not any("\ufffd" in cell for cell in cells if cell), *cells))
    kinds = {"row_number": pl.Int64, "complete": pl.Boolean, "utf8": pl.Boolean}
    return pl.DataFrame(rows, schema={**kinds, **dict.fromkeys(wanted, pl.String)}, orient="row")
