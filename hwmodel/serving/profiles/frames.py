"""Measured rows as frames: the columns that a layout promises, every time a finite number that is not negative."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from hwmodel.serving.errors import BadProfile


def checked_frame(path: Path, columns: Mapping[str, type[pl.DataType]], *, measured: Sequence[str]) -> pl.DataFrame:
    """The columns of a Parquet file, cast, without nulls; other columns are left out.

    Args:
        path: The file.
        columns: Name and type of what is read.
        measured: Columns with times. Neither these nor whole numbers may be negative.

    Raises:
        BadProfile: The file cannot be read, lacks a column, holds another type, or a row breaks a rule.
    """
    try:
        rows = pl.read_parquet(path)
    except (OSError, PolarsError) as error:
        reason = " ".join(str(error).split())
        raise BadProfile(f"{path} cannot be read as Parquet: {reason}") from None
    missing = [name for name in columns if name not in rows.columns]
    if missing:
        raise BadProfile(f"{path.name} lacks the columns {', '.join(missing)}; it has {', '.join(rows.columns)}")
    if rows.is_empty():
        raise BadProfile(f"{path.name} has no rows")
    for name, kind in columns.items():
        _refuse(path, rows, pl.col(name).is_null(), f"{name} is missing")
        _refuse(path, rows, ~_fits(name, rows.schema[name], kind), f"{name} is not {_KINDS[kind]}")
    rows = rows.select(pl.col(name).cast(kind) for name, kind in columns.items())
    for name, kind in columns.items():
        if kind.is_integer():
            _refuse(path, rows, pl.col(name) < 0, f"{name} is negative")
    for name in measured:
        _refuse(path, rows, ~pl.col(name).is_finite(), f"{name} is not a number")
        _refuse(path, rows, pl.col(name) < 0, f"{name} is negative")
    return rows


def refuse_repeats(rows: pl.DataFrame, key: Sequence[str], where: str) -> None:
    """Refuses a frame in which a key occurs twice.

    Raises:
        BadProfile: It does; the message gives the first.
    """
    again = rows.filter(pl.struct(key).is_duplicated())
    if not again.is_empty():
        first = ", ".join(f"{name} {value}" for name, value in zip(key, again.select(key).row(0), strict=True))
        raise BadProfile(f"{where} holds {first} more than once")


_KINDS: dict[type[pl.DataType], str] = {pl.String: "a text", pl.Int64: "a whole number", pl.Float64: "a number"}


def _fits(name: str, found: pl.DataType, kind: type[pl.DataType]) -> pl.Expr:
    """Whether a value can be cast without loss."""
    if kind is pl.String:
        return pl.lit(value=isinstance(found, pl.String | pl.Categorical | pl.Enum))
    if not found.is_numeric():
        return pl.lit(value=False)
    if not kind.is_integer() or found.is_integer():
        return pl.lit(value=True)
    return pl.col(name).is_finite() & (pl.col(name) == pl.col(name).round())


def _refuse(path: Path, rows: pl.DataFrame, broken: pl.Expr, rule: str) -> None:
    found = rows.with_row_index("_row").filter(broken)
    if not found.is_empty():
        row = found.row(0, named=True)
        number = row.pop("_row")
        told = ", ".join(f"{name}={value}" for name, value in row.items())
        raise BadProfile(f"row {number} of {path.name}: {rule} ({told})")
