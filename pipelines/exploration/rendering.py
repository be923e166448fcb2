"""Renders the report of a run out of what the lake, the ledger and the run's folder keep."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import polars as pl

from pipelines.code_version import code_version
from pipelines.exploration.content import report_content
from pipelines.exploration.store import load_findings
from pipelines.home import HomeFolders
from pipelines.lake_days import read_days
from pipelines.report import ReportFiles, RunFacts, write_report
from pipelines.resources import LoopResource
from pipelines.tables import TABLES
from warehouse.lake import Lake
from warehouse.ledger import DataVersion, Ledger

READ_TABLES = ("model_calls", "sessions", "demand_calls", "wait_profile", "abandonment_curve")


def render_run(
    lake: Lake, ledger: Ledger, folders: HomeFolders, run_id: str, *, days: Sequence[date], loop: LoopResource
) -> ReportFiles:
    """Write report.html, summary.md and report.json of a run, and note the snapshots they were made from.

    Raises:
        BadInput: The run has no findings.
    """
    folder = folders.report(run_id)
    findings = load_findings(folder)
    chosen = tuple(days) or tuple(lake.days("demand_calls"))
    snapshots = {table: found for table in TABLES if (found := lake.snapshot_id(table)) is not None}
    facts = RunFacts(
        run_id=run_id,
        dataset=lake.dataset,
        source=_source(lake, chosen),
        baseline=loop.baseline,
        llms=tuple(sorted(findings.fleet["llm"].to_list())),
        days=chosen,
        call_count=_count(lake, chosen),
        code_version=code_version(),
        snapshots=snapshots,
        made_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    with ledger.unit_of_work() as work:
        for table in READ_TABLES:
            if table in snapshots:
                work.data_versions.save(DataVersion(run_id=run_id, table=table, snapshot_id=snapshots[table]))
    return write_report(report_content(lake, facts, findings), folder)


def _source(lake: Lake, days: Sequence[date]) -> str:
    sources = read_days(lake, "model_calls", days).select(pl.col("source_id").unique().sort()).collect()
    return ", ".join(sources["source_id"].head(3).to_list())


def _count(lake: Lake, days: Sequence[date]) -> int:
    return int(read_days(lake, "model_calls", days).select(pl.len()).collect().item())
