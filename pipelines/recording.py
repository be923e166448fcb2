"""From rows to a recorded materialisation: write, read back, check, describe."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from pipelines.checks import contract_results
from pipelines.code_version import code_version
from pipelines.lake_days import read_days, write_day
from pipelines.plots import picture_of
from warehouse.errors import ConcurrentWrite, UnreachableDatabase
from warehouse.lake import Lake, WriteReceipt

if TYPE_CHECKING:
    Materialized = dg.MaterializeResult[None]
    """What an asset returns: its rows are in the lake, not in the result."""
else:
    Materialized = dg.MaterializeResult  # Dagster reads annotations at run time and knows the bare class only

IO_RETRIES = 3
FIRST_WAIT_S = 1.0


@contextmanager
def io_retried(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> Iterator[None]:
    """Asks Dagster to try again, each time after twice the wait, if the lake or the disk failed; never for bad data."""
    try:
        yield
    except (OSError, ConcurrentWrite, UnreachableDatabase) as error:
        wait_s = FIRST_WAIT_S * 2.0**context.retry_number
        raise dg.RetryRequested(max_retries=IO_RETRIES, seconds_to_wait=wait_s) from error


def no_invariants(rows: pl.DataFrame | pl.LazyFrame) -> Sequence[dg.AssetCheckResult]:  # noqa: ARG001 - others look at them
    """The checks beside the contract of a table that has none."""
    return ()


def record_day(
    lake: Lake,
    table: str,
    frame: pl.DataFrame | pl.LazyFrame,
    day: date,
    *,
    merge_source: str | None = None,
    seed: int = 0,
    invariants: Callable[[pl.DataFrame], Sequence[dg.AssetCheckResult]] = no_invariants,
) -> Materialized:
    """Writes a day of a table, reads it back and checks what was read.

    Args:
        lake: The data set.
        table: A name of TABLES.
        frame: The day's rows.
        day: The partition.
        merge_source: As for `write_day`.
        seed: What the rows were drawn from.
        invariants: The checks beside the contract, on the rows as they now lie in the lake.
    """
    receipt = write_day(lake, table, frame, day, merge_source=merge_source)
    rows = read_days(lake, table, [day]).collect()
    checks = [*contract_results(table, rows), *invariants(rows)]
    return materialized(lake, receipt, rows, seed=seed, checks=checks)


def materialized(
    lake: Lake,
    receipt: WriteReceipt,
    rows: pl.DataFrame | pl.LazyFrame,
    *,
    seed: int,
    checks: Sequence[dg.AssetCheckResult],
) -> Materialized:
    """What Dagster keeps of a write."""
    return dg.MaterializeResult(
        asset_key=receipt.table,
        metadata={**receipt_metadata(lake, receipt, seed=seed), **picture_of(receipt.table, rows)},
        check_results=checks,
    )


def receipt_metadata(lake: Lake, receipt: WriteReceipt, *, seed: int) -> dict[str, dg.MetadataValue]:
    """Row count, place, snapshot, seed and code version of a write."""
    return {
        "dagster/row_count": dg.MetadataValue.int(receipt.row_count),
        "dagster/table_name": dg.MetadataValue.text(f"{lake.dataset}.{receipt.table}"),
        "dagster/uri": dg.MetadataValue.text(Path(receipt.path.removeprefix("file://")).as_uri()),
        "dataset": dg.MetadataValue.text(lake.dataset),
        "snapshot_id": dg.MetadataValue.text(str(receipt.snapshot_id)),
        "seed": dg.MetadataValue.int(seed),
        "code_version": dg.MetadataValue.text(code_version()),
    }
