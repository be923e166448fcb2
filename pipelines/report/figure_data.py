"""The data behind each figure as CSV, so that a reviewer can draw it again; no text of it runs in a spreadsheet."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from pipelines.report.errors import BadFigureKey
from pipelines.report.sections.model import Figure, Section, Table, drawn

FOLDER = "data"
"""Beside the report."""
_FORMULA = re.compile(r"^\s*[=+\-@]|^[\t\r\n]")
_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def figure_csvs(sections: Iterable[Section], specs: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """CSV text by file name, of every figure and of each table that gives its data.

    Args:
        sections: The page.
        specs: Vega-Lite specification of each figure by key.

    Raises:
        BadFigureKey: A key that is no safe file name, or two of one name.
    """
    found: dict[str, str] = {}
    for item in (item for section in sections for item in drawn(section)):
        frame = item.data
        if isinstance(item, Figure) and frame is None:
            frame = drawn_rows(specs[item.key])
        if frame is None:
            continue
        name = file_name(item)
        if name in found:
            raise BadFigureKey(f"two figures or tables of the report have the key {item.key!r}; give each its own")
        found[name] = csv_text(frame)
    return found


def file_name(item: Figure | Table) -> str:
    """Name of the CSV of a figure or table.

    Raises:
        BadFigureKey: The key has other signs than lower-case letters, digits and hyphens.
    """
    if not _KEY.fullmatch(item.key):
        raise BadFigureKey(f"the key {item.key!r} must be lower-case letters, digits and hyphens: it names a file")
    return f"{item.key}.csv" if isinstance(item, Figure) else f"table-{item.key}.csv"


def drawn_rows(spec: Mapping[str, Any]) -> pl.DataFrame:
    """The largest data set that a specification draws, as a frame."""
    largest = max(_data_sets(spec), key=len, default=[])
    return pl.DataFrame(largest, infer_schema_length=None)


def csv_text(frame: pl.DataFrame) -> str:
    """A frame as CSV with LF: a text that a spreadsheet would run as a formula gets an apostrophe in front."""
    plain = frame.with_columns(
        pl.col(name).map_elements(_harmless, return_dtype=pl.String).alias(name)
        for name, dtype in frame.schema.items()
        if dtype == pl.String
    ).with_columns(pl.col(name).cast(pl.String) for name, dtype in frame.schema.items() if dtype == pl.Enum)
    flat = [name for name, dtype in plain.schema.items() if not dtype.is_nested()]
    return plain.select(flat).write_csv(line_terminator="\n")


def _harmless(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _data_sets(value: Any) -> Iterable[list[dict[str, Any]]]:
    if isinstance(value, Mapping):
        data = value.get("data")
        if isinstance(data, Mapping) and isinstance(data.get("values"), list):
            yield data["values"]
        for key, inner in value.items():
            if key != "data":
                yield from _data_sets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _data_sets(inner)
