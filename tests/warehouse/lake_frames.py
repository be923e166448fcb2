"""Frames that the lake's tests write."""

from datetime import UTC, date, datetime
from functools import cache

import polars as pl
from dataframely.random import Generator

from warehouse.contracts import ModelCalls

MONDAY = date(2026, 3, 2)
TUESDAY = date(2026, 3, 3)


@cache
def calls(rows: int, day: date = MONDAY, *, surface: str = "codex_loop", seed: int = 1) -> pl.DataFrame:
    """Valid model calls, all of one day and surface."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return ModelCalls.sample(
        rows,
        overrides={"call_id": [f"{day}-{surface}-{n}" for n in range(rows)], "requested_at": noon, "surface": surface},
        generator=Generator(seed),
    )


def in_order(frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """The same rows in an order of their own, because the lake promises none."""
    rows = frame.lazy().collect()
    return rows.sort(rows.columns)
