"""The report for machines: everything that the page shows, unrounded, as JSON."""

import json
import math
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from pipelines.report.content import ReportContent

FORMAT = "scoville-report/1"
"""Name and version of the layout; fields are only ever added under the same version."""


def render_json(content: ReportContent) -> str:
    """The content as indented JSON with the field names of ReportContent; a non-finite number becomes null."""
    return json.dumps({"format": FORMAT, **plain(content)}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:  # noqa: PLR0911 - one return for each kind of value
    """A value of the content as JSON values: frames become lists of rows, dates become ISO texts."""
    if isinstance(value, pl.DataFrame):
        return [plain(row) for row in value.iter_rows(named=True)]
    if is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(value[key]) for key in value}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
