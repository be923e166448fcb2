"""The op that takes a trace file into the lake: every day its rows fall on, late rows included."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
from pydantic import Field

from pipelines.assets.spec import LAKE_POOL
from pipelines.assets.telemetry import DAY_TABLES, write_quarantine
from pipelines.errors import one_line
from pipelines.lake_days import write_day
from pipelines.landing.files import move_done, move_failed
from pipelines.recording import IO_RETRIES, io_retried, receipt_metadata
from pipelines.resources import LakeResource, trace_source
from pipelines.source import TraceSource
from warehouse.ingest import detect_format
from warehouse.lake import Lake, WriteReceipt

INGEST_JOB = "ingest_trace"
INGEST_OP = "ingest_trace_file"
AUTO = "auto"
DAYS_TAG = "scoville/days"
DATASET_TAG = "scoville/dataset"


class IngestConfig(dg.Config):
    """One trace file."""

    path: str = Field(description="Absolute path of the file.")
    format: str = Field(default=AUTO, description="Format, or auto: the one whose columns the file has.")
    surface: str = Field(default="", description="Surface of its calls; empty: the format's own.")
    dataset: str = Field(default="", description="Data set that takes the rows; empty: one for this content.")
    landed: bool = Field(default=False, description="Move the file to done/ or failed/ afterwards.")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """What an ingest wrote."""

    dataset: str
    days: tuple[date, ...]
    receipts: tuple[WriteReceipt, ...]
    call_count: int
    session_count: int
    refused_count: int
    notes: tuple[str, ...]


def ingest_source(lake: Lake, source: TraceSource) -> IngestResult:
    """Writes every day of a trace, merging it with what other sources gave for that day, and its refused rows.

    Raises:
        IngestError: Not one row of it can be used; nothing is written.
        BadInput: A day lies outside the graph's partitions; nothing is written.
    """
    days = source.days()
    receipts: list[WriteReceipt] = []
    for day in days:
        given = source.read_day(day)
        receipts += [
            write_day(lake, table, given.frames[table], day, merge_source=given.source_id) for table in DAY_TABLES
        ]
    receipts.append(write_quarantine(lake, source))
    read = source.read()
    return IngestResult(
        dataset=source.dataset,
        days=tuple(days),
        receipts=tuple(receipts),
        call_count=read.model_calls.height,
        session_count=read.sessions.height,
        refused_count=read.quarantine.height,
        notes=read.notes,
    )


@dg.op(name=INGEST_OP, description="Takes one trace file into the lake.", pool=LAKE_POOL)
def ingest_trace_file(context: dg.OpExecutionContext, config: IngestConfig, lake: LakeResource) -> None:
    """Ingests, reports every partition that was written, and puts a landed file away."""
    path = Path(config.path)
    try:
        result = _ingest(context, config, lake)
    except dg.RetryRequested:
        if config.landed and context.retry_number >= IO_RETRIES:
            move_failed(path, lake.folders, "the lake could not be written; see the run in the UI, then drop it again")
        raise
    except Exception as error:
        if config.landed:
            move_failed(path, lake.folders, one_line(error))
        raise
    days = ",".join(day.isoformat() for day in result.days)
    context.instance.add_run_tags(context.run_id, {DAYS_TAG: days, DATASET_TAG: result.dataset})
    counts = {"calls": result.call_count, "sessions": result.session_count, "quarantined": result.refused_count}
    context.add_output_metadata({**counts, "days": days, "dataset": result.dataset, "notes": " ".join(result.notes)})
    if config.landed:
        move_done(path, lake.folders)


@dg.job(name=INGEST_JOB, description="One trace file into the lake; late rows rewrite their day.")
def ingest_trace() -> None:
    """Takes one trace file into the lake."""
    ingest_trace_file()


def _ingest(context: dg.OpExecutionContext, config: IngestConfig, lake: LakeResource) -> IngestResult:
    source = _source(config)
    with io_retried(context), lake.opened(source.dataset) as tables:
        result = ingest_source(tables, source)
        _report(context, tables, result.receipts)
    return result


def _source(config: IngestConfig) -> TraceSource:
    path = Path(config.path)
    format_name = detect_format(path) if config.format == AUTO else config.format
    dataset = config.dataset or (f"landed_{format_name}" if config.landed else "")
    return trace_source(format_name, path, config.surface, dataset)


def _report(context: dg.OpExecutionContext, lake: Lake, receipts: Sequence[WriteReceipt]) -> None:
    """Tells Dagster which partitions of which assets were written."""
    for receipt in receipts:
        day = (receipt.partition or {}).get("day")
        context.log_event(
            dg.AssetMaterialization(
                asset_key=receipt.table,
                partition=day.isoformat() if isinstance(day, date) else None,
                metadata=receipt_metadata(lake, receipt, seed=0),
            )
        )
