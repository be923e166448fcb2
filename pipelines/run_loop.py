"""Drives one pass of the loop through the Dagster instance of the state folder, so that its UI shows every run."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol, TypedDict

import dagster as dg
import polars as pl
from dagster import DagsterInstance

from pipelines.code_version import code_version
from pipelines.definitions import build_definitions
from pipelines.exploration.telling import headline_of
from pipelines.home import prepare_home
from pipelines.instance import QUIET, opened_instance, process_tags
from pipelines.jobs import DAILY_JOB, WEEKLY_JOB
from pipelines.lake_days import read_days
from pipelines.resources import LakeResource, LoopResource, SourceResource
from pipelines.run_record import GenerationStep, recorded_run
from pipelines.settings import Settings
from pipelines.source import Source, StoredSource
from pipelines.tables import TABLES
from warehouse.lake import Lake
from warehouse.ledger import Run

DEFAULT_BASELINE = "h100-sxm"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What one pass of the loop is asked to do."""

    settings: Settings
    source: Source | StoredSource
    """Of a stored one nothing is made again: the pass is its hardware half."""
    baseline: str = DEFAULT_BASELINE
    llm: str | None = None
    """Serve every surface by this LLM instead of the policy's."""
    allow_estimates: bool = False
    features_only: bool = False
    """Stop after the features; the weekly part is left out."""
    generation: GenerationStep | None = None
    """None for a run on its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """What one pass of the loop did."""

    run_id: str
    dataset: str
    days: tuple[date, ...]
    call_count: int
    session_count: int
    quarantined: Mapping[str, int]
    """Refused rows of the source by rule."""
    llm_mix: Mapping[str, float]
    """Share of the intended calls by the LLM that serves them."""
    stage_s: Mapping[str, float]
    """Seconds of execution by asset group."""
    failed_checks: tuple[str, ...]
    """Checks that did not hold, with their day."""
    snapshots: Mapping[str, int] = field(default_factory=dict)
    """Lake snapshot by table at the end."""
    report: Path | None = None
    """The HTML report; None where the run stopped after the features."""
    headline: tuple[str, ...] = ()
    """The report's first lines."""

    @property
    def quarantined_count(self) -> int:
        """All refused rows of the source."""
        return sum(self.quarantined.values())


class Progress(Protocol):
    """Who is told how far a run has come."""

    def stage(self, name: str, *, done_count: int, total_count: int) -> None:
        """A stage begins; so many of all stages are done."""


class SilentProgress:
    """Tells nobody."""

    def stage(self, name: str, *, done_count: int, total_count: int) -> None:
        """Says nothing."""


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What the Dagster runs of a pass have reported so far."""

    stage_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    failed_checks: list[str] = field(default_factory=list)


class _Resources(TypedDict):
    """The resources of a pass."""

    lake: LakeResource
    source: SourceResource
    loop: LoopResource


def run_loop(request: RunRequest, progress: Progress | None = None) -> RunSummary:
    """One pass: each day's telemetry and features, then the weekly part once, all recorded in the ledger.

    Where the lake holds telemetry and features already, only the weekly part is run.

    Raises:
        IngestError: Not one row of the trace can be used.
        BadInput: The request cannot be used.
        WarehouseError: The state folder or a database cannot be used.
    """
    days = request.source.days()
    started_at = datetime.now(UTC)
    run_id = f"{started_at:%Y%m%d-%H%M%S}-{request.source.dataset}"
    resources = _resources(request, run_id, days)
    with resources["lake"].opened():
        pass  # a home that cannot be used is refused before anything starts
    home, run = request.settings.home, _run_of(request, run_id, started_at)
    with opened_instance(home) as instance, recorded_run(home, run, request.generation) as succeed:
        tally = _execute_all(request, instance, resources, days, progress or SilentProgress())
        summary = _summary(request, run_id, days, tally)
        succeed(summary.snapshots, summary.llm_mix)
    return summary


def _resources(request: RunRequest, run_id: str, days: Sequence[date]) -> _Resources:
    return {
        "lake": LakeResource(home=str(request.settings.home), dataset=request.source.dataset),
        "source": SourceResource.of(request.source),
        "loop": LoopResource(
            run_id=run_id,
            days=[day.isoformat() for day in days],
            baseline=request.baseline,
            llm=request.llm or "",
            allow_estimates=request.allow_estimates,
        ),
    }


def _execute_all(
    request: RunRequest,
    instance: DagsterInstance,
    resources: _Resources,
    days: Sequence[date],
    progress: Progress,
) -> _Tally:
    definitions = build_definitions(request.settings, dict(resources))
    has_weekly = not request.features_only and any(job.name == WEEKLY_JOB for job in definitions.jobs or ())
    made = () if isinstance(request.source, StoredSource) else days
    stages_count = len(made) + has_weekly
    tally = _Tally()
    for number, day in enumerate(made):
        progress.stage(f"telemetry and features of {day}", done_count=number, total_count=stages_count)
        _execute(definitions.resolve_job_def(DAILY_JOB), instance, tally, day)
    if has_weekly:
        progress.stage("hotspots, search and report", done_count=len(made), total_count=stages_count)
        _execute(definitions.resolve_job_def(WEEKLY_JOB), instance, tally, None)
    return tally


def _execute(job: dg.JobDefinition, instance: DagsterInstance, tally: _Tally, day: date | None) -> None:
    """Runs a job in this process and adds up its times by group and its checks that did not hold."""
    result = job.execute_in_process(
        instance=instance,
        partition_key=day.isoformat() if day else None,
        run_config=QUIET,
        tags=process_tags(),
    )
    groups = {
        asset.op.name: str(spec.group_name)
        for asset in job.asset_layer.asset_graph.assets_defs
        if asset.is_executable
        for spec in asset.specs
    }
    for event in result.get_step_success_events():
        tally.stage_s[groups[str(event.step_key)]] += event.step_success_data.duration_ms / 1e3
    tally.failed_checks += [
        f"{evaluation.check_name} on {day or 'all days'}"
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR
    ]


def _run_of(request: RunRequest, run_id: str, started_at: datetime) -> Run:
    return Run(
        run_id=run_id,
        dataset=request.source.dataset,
        seed=request.source.seed,
        baseline_chip=request.baseline,
        llm_mix={},
        started_at=started_at,
        code_version=code_version(),
    )


def _summary(request: RunRequest, run_id: str, days: Sequence[date], tally: _Tally) -> RunSummary:
    """Counts what lies in the lake for the days of the run."""
    with LakeResource(home=str(request.settings.home), dataset=request.source.dataset).opened() as lake:
        report = prepare_home(request.settings.home).report(run_id) / "report.html"
        refused = request.source.quarantine().group_by("rule").len().sort("rule")
        demand = read_days(lake, "demand_calls", days).group_by("llm").len().sort("llm").collect()
        return RunSummary(
            run_id=run_id,
            dataset=request.source.dataset,
            days=tuple(days),
            call_count=_count(lake, "model_calls", days),
            session_count=_count(lake, "sessions", days),
            quarantined=dict(refused.iter_rows()),
            llm_mix={llm: count / demand["len"].sum() for llm, count in demand.iter_rows()},
            stage_s=dict(tally.stage_s),
            failed_checks=tuple(tally.failed_checks),
            snapshots={table: found for table in TABLES if (found := lake.snapshot_id(table)) is not None},
            report=report if report.exists() else None,
            headline=headline_of(report.parent) if report.exists() else (),
        )


def _count(lake: Lake, table: str, days: Sequence[date]) -> int:
    return int(lake.scan(table, schema=TABLES[table].schema, days=days).select(pl.len()).collect().item())
