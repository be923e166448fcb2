"""Days in the lake: writing one so that late rows rewrite it, and reading them in one order."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipelines.tables import TABLES
from warehouse.lake import Lake, WriteReceipt


def write_day(
    lake: Lake, table: str, frame: pl.DataFrame | pl.LazyFrame, day: date, *, merge_source: str | None = None
) -> WriteReceipt:
    """Makes the frame the content of a day.

    Args:
        lake: The data set.
        table: A name of TABLES.
        frame: The day's rows.
        day: The partition.
        merge_source: Keep the day's rows of other sources than this one; None replaces the whole day.
    """
    rows = frame.lazy()
    if merge_source is not None:
        kept = lake.scan(table, schema=TABLES[table].schema, days=[day]).filter(pl.col("source_id") != merge_source)
        rows = pl.concat([kept, rows.select(kept.collect_schema().names())])
    return lake.replace(table, rows.sort(_order(table)), schema=TABLES[table].schema, partition={"day": day})


def read_days(lake: Lake, table: str, days: Sequence[date]) -> pl.LazyFrame:
    """Rows of these days in the order of the contract's key: files lie in no order, and sums follow it."""
    return lake.scan(table, schema=TABLES[table].schema, days=days).sort(_order(table))


def _order(table: str) -> list[str]:
    """Session and step first, where the table has them; then the key."""
    schema = TABLES[table].schema
    return [name for name in ("session_id", "step_index") if name in schema.column_names()] + schema.primary_key()
