"""Telemetry assets: what was observed on a day, and the rows of the source that were refused."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import polars as pl

from pipelines.assets.spec import LAKE_POOL, table_asset, table_checks
from pipelines.checks import call_tokens_conserved, calls_accounted, contract_results
from pipelines.landed_checks import doubled_count, landed_day
from pipelines.partitions import daily, day_of
from pipelines.recording import Materialized, io_retried, materialized, no_invariants, record_day
from pipelines.resources import LakeResource, SourceResource
from pipelines.simulated_days import land_simulated_day
from pipelines.source import SimulatedSource, Source, TraceSource
from pipelines.tables import TABLES
from warehouse.lake import Lake, WriteReceipt

DAY_TABLES = ("model_calls", "tool_calls", "sessions")


@dg.multi_asset(
    name="telemetry",
    specs=[table_asset(table) for table in DAY_TABLES],
    check_specs=table_checks(*DAY_TABLES),
    partitions_def=daily,
    pool=LAKE_POOL,
)
def telemetry(context: dg.AssetExecutionContext, lake: LakeResource, source: SourceResource) -> Iterator[Materialized]:
    """Calls, tools and sessions of one UTC day, simulated or out of a trace."""
    given = source.source()
    day = day_of(context.partition_key)
    with io_retried(context), lake.opened() as tables:
        yield from _simulated(tables, given, day) if isinstance(given, SimulatedSource) else _read(tables, given, day)


@dg.multi_asset(
    name="quarantine", specs=[table_asset("quarantine")], check_specs=table_checks("quarantine"), pool=LAKE_POOL
)
def quarantine(context: dg.AssetExecutionContext, lake: LakeResource, source: SourceResource) -> Materialized:
    """Refused rows of the source, each with the rule that it broke."""
    with io_retried(context), lake.opened() as tables:
        return quarantine_result(tables, source.source())


def write_quarantine(lake: Lake, source: Source) -> WriteReceipt:
    """Makes the source's refused rows the content of its partition."""
    return lake.replace(
        "quarantine",
        source.quarantine(),
        schema=TABLES["quarantine"].schema,
        partition=None if source.is_whole_dataset else {"source_id": source.source_id},
    )


def quarantine_result(lake: Lake, source: Source) -> Materialized:
    """The source's refused rows in the lake, with the account of all rows that were read."""
    receipt = write_quarantine(lake, source)
    rows = source.quarantine()
    found = source.kept_count() + rows.filter(pl.col("row_number") > 0).height
    account = calls_accounted("quarantine", offered_count=source.rows_read(), found_count=found)
    checks = [*contract_results("quarantine", rows), account]
    return materialized(lake, receipt, rows, seed=source.seed, checks=checks)


def _simulated(lake: Lake, source: SimulatedSource, day: date) -> Iterator[Materialized]:
    """The tables of a simulated day, landed as it is made and checked as it lies there."""
    receipts = land_simulated_day(lake, source.settings, day, latency=source.latency())

    def call_invariants(rows: pl.LazyFrame) -> list[dg.AssetCheckResult]:
        landed = rows.filter(pl.col("source_id") == source.source_id).select(pl.len()).collect(engine="streaming")
        found = int(landed.item()) - doubled_count(rows, ["call_id"])
        account = calls_accounted("model_calls", offered_count=receipts["model_calls"].row_count, found_count=found)
        return [account, call_tokens_conserved(rows)]

    for table in DAY_TABLES:
        invariants = call_invariants if table == "model_calls" else no_invariants
        yield landed_day(lake, receipts[table], day, seed=source.seed, invariants=invariants)


def _read(lake: Lake, source: TraceSource, day: date) -> Iterator[Materialized]:
    """The tables of a trace's day; the rows of other sources stay."""
    given = source.read_day(day)

    def call_invariants(rows: pl.DataFrame) -> list[dg.AssetCheckResult]:
        found = rows.filter(pl.col("source_id") == given.source_id)["call_id"].n_unique()
        account = calls_accounted("model_calls", offered_count=given.frames["model_calls"].height, found_count=found)
        return [account, call_tokens_conserved(rows)]

    for table in DAY_TABLES:
        yield record_day(
            lake,
            table,
            given.frames[table],
            day,
            merge_source=given.source_id,
            seed=source.seed,
            invariants=call_invariants if table == "model_calls" else no_invariants,
        )
