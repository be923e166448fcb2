"""Checks of a day as it lies in the lake, read part by part: memory does not grow with the day."""

from collections.abc import Callable, Sequence
from datetime import date

import dagster as dg
import polars as pl

from pipelines.checks import broken_counts, counted_results
from pipelines.recording import Materialized, materialized
from pipelines.tables import TABLES
from warehouse.lake import Lake, WriteReceipt

PART_ROWS = 100_000
"""Rows that are read and checked together."""


def landed_day(
    lake: Lake,
    receipt: WriteReceipt,
    day: date,
    *,
    seed: int,
    invariants: Callable[[pl.LazyFrame], Sequence[dg.AssetCheckResult]],
) -> Materialized:
    """What Dagster keeps of a day that was landed in parts: the contract's rules counted over all of its rows.

    Args:
        lake: The data set.
        receipt: Of the write.
        day: The partition.
        seed: What the rows were drawn from.
        invariants: The checks beside the contract, on the day as it now lies in the lake, in no order.
    """
    table = receipt.table
    rows = lake.scan(table, schema=TABLES[table].schema, days=[day])
    counts = broken_counts(table, rows.collect_batches(chunk_size=PART_ROWS, maintain_order=False))
    counts["primary_key"] = max(counts["primary_key"], doubled_count(rows, TABLES[table].schema.primary_key()))
    return materialized(lake, receipt, rows, seed=seed, checks=[*counted_results(table, counts), *invariants(rows)])


def doubled_count(rows: pl.LazyFrame, key: Sequence[str]) -> int:
    """Rows whose key another row had before; keys are compared by their hash of 64 bits, to hold 8 bytes of each."""
    hashed = rows.select(pl.struct(key).hash().alias("hash"))
    return int(hashed.select(pl.len() - pl.col("hash").n_unique()).collect(engine="streaming").item())
