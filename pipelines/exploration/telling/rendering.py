"""Renders the report of a run out of what the lake, the ledger and the run's folder keep."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from pipelines.code_version import code_version
from pipelines.errors import BadInput
from pipelines.exploration.findings import Findings
from pipelines.exploration.keeping import load_findings
from pipelines.exploration.lineage import TABLES_AS_OF_A_DAY, history_rows, render_history_page, with_generations
from pipelines.exploration.telling.content import report_content
from pipelines.home import HomeFolders, prepare_home
from pipelines.lake_days import read_days
from pipelines.report import ReportFiles, RunFacts, write_report
from pipelines.resources import LakeResource, LedgerResource
from pipelines.tables import TABLES
from warehouse.lake import Lake
from warehouse.ledger import DataVersion, Ledger

READ_TABLES = (
    "model_calls",
    "sessions",
    "demand_calls",
    "wait_profile",
    "stall_profile",
    "context_growth",
    "prefix_reuse",
    "abandonment_curve",
    *TABLES_AS_OF_A_DAY,
)


def render_run(lake: Lake, ledger: Ledger, folders: HomeFolders, run_id: str, *, days: Sequence[date]) -> ReportFiles:
    """Write the report of a run and the history page beside it, and note the snapshots that the report was made from.

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
        baseline=_baseline_of(findings),
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
    content = report_content(lake, facts, findings, history_rows(ledger, ledger.run(run_id)))
    written = write_report(with_generations(content, findings, ledger.generations_upto(run_id), folders), folder)
    render_history_page(ledger, folder.parent)
    return written


def render_again(home: Path, run_id: str) -> ReportFiles:
    """Write the report of an earlier run once more, from its findings and the lake as it is now.

    Raises:
        UnknownRun: The ledger knows no such run.
        BadInput: The run came to no report.
    """
    folders = prepare_home(home)
    lake_of, ledger_of = LakeResource(home=str(home)), LedgerResource(home=str(home))
    with ledger_of.opened() as ledger:
        run = ledger.run(run_id)
        try:
            facts = json.loads((folders.report(run_id) / "report.json").read_text())["run"]
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(f"run {run_id} came to no report ({error}); run the loop again") from error
        with lake_of.opened(run.dataset) as lake:
            days = [date.fromisoformat(day) for day in facts["days"]]
            return render_run(lake, ledger, folders, run_id, days=days)


def headline_of(folder: Path) -> tuple[str, ...]:
    """First lines of the report in a run's folder."""
    return tuple(json.loads((folder / "report.json").read_text())["headline"])


def _baseline_of(findings: Findings) -> str:
    """Name of the chip in service."""
    return str(findings.designs.row(by_predicate=pl.col("kind") == "baseline", named=True)["label"])


def _source(lake: Lake, days: Sequence[date]) -> str:
    sources = read_days(lake, "model_calls", days).select(pl.col("source_id").unique().sort()).collect()
    return ", ".join(sources["source_id"].head(3).to_list())


def _count(lake: Lake, days: Sequence[date]) -> int:
    return int(read_days(lake, "model_calls", days).select(pl.len()).collect().item())
