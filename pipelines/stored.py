"""Telemetry and features that the lake holds already, as the source of a pass that runs the hardware half alone."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.errors import BadInput
from pipelines.home import prepare_home
from pipelines.resources import DEFAULT_SIMULATION, LakeResource, LedgerResource
from pipelines.source import StoredSource
from pipelines.tables import TABLES
from warehouse.lake import DEFAULT_DATASET, Lake

WAY_OUT = "`scoville run --features-only` fills it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which part of the lake is looked at."""

    dataset: str = ""
    """Data set; by default that of the run, else the one of simulations."""
    days_count: int | None = None
    """So many of its last days; by default those of the run, else all."""
    run_id: str = ""
    """An earlier run, whose data set, days and seed are taken."""
    seed: int | None = None
    """By default that of the run, else of the latest run of the data set."""


def stored_source(home: Path, wanted: Wanted) -> StoredSource:
    """What the lake under a home holds of it.

    Raises:
        BadInput: There is no lake, or it holds no features of that data set.
        NotRecorded: The ledger knows no such run.
    """
    if not (home / "lake").is_dir():
        raise BadInput(f"{home} holds no lake; {WAY_OUT}, or name another folder")
    dataset, seed, days = _of_run(home, wanted)
    lake_of = LakeResource(home=str(home), dataset=DEFAULT_DATASET)
    with lake_of.opened() as lake:
        if dataset not in lake.datasets():
            raise BadInput(f"the lake under {home} has no data set {dataset!r}; it has {', '.join(lake.datasets())}")
    with lake_of.opened(dataset) as lake:
        chosen = days or lake.days("demand_calls")
        refused = _quarantine(lake)
    if not chosen:
        raise BadInput(f"data set {dataset} under {home} holds no features of any day; {WAY_OUT}")
    kept = sorted(chosen)[-wanted.days_count :] if wanted.days_count else sorted(chosen)
    return StoredSource(dataset=dataset, seed=seed, stored_days=tuple(kept), refused=refused)


def _of_run(home: Path, wanted: Wanted) -> tuple[str, int, list[date]]:
    """Data set, seed and days; no days where all of the data set are meant."""
    with LedgerResource(home=str(home)).opened() as ledger:
        named = ledger.run(wanted.run_id) if wanted.run_id else None
        dataset = wanted.dataset or (named.dataset if named else DEFAULT_DATASET)
        known = named or ledger.latest_run(dataset)
    seed = wanted.seed if wanted.seed is not None else known.seed if known else DEFAULT_SIMULATION.seed
    return dataset, seed, _days_of(home, wanted.run_id) if named else []


def _days_of(home: Path, run_id: str) -> list[date]:
    """Days that the report of a run is about; none where it stopped after the features."""
    report = prepare_home(home).report(run_id) / "report.json"
    if not report.exists():
        return []
    return [date.fromisoformat(day) for day in json.loads(report.read_text())["run"]["days"]]


def _quarantine(lake: Lake) -> pl.DataFrame:
    return lake.scan("quarantine", schema=TABLES["quarantine"].schema).collect()
