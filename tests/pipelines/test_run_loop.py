"""One pass of the loop, end to end in memory and on disk, twice."""

from pathlib import Path

import polars as pl
import pytest
from dagster import DagsterInstance

from pipelines.lake_days import read_days
from pipelines.resources import LakeResource, LedgerResource
from pipelines.run_loop import RunSummary, run_loop
from pipelines.tables import TABLES, Group
from tests.pipelines.homes import request_in
from warehouse.lake import Lake
from warehouse.ledger import RunStatus

DAILY_GROUPS = {Group.TELEMETRY, Group.FEATURES}
DAY_TABLES = [name for name, table in TABLES.items() if table.group in DAILY_GROUPS and name != "quarantine"]


class Stages:
    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []

    def stage(self, name: str, *, done_count: int, total_count: int) -> None:
        self.told.append((name, done_count, total_count))


EMPTY_ON_TWO_DAYS = {"abandonment_thresholds", "context_trend", "workload_drift", "emerging_workloads"}
"""Tables that need more history, or more people who leave, than two small days have."""


def frames(lake: Lake) -> dict[str, pl.DataFrame]:
    return {table: read_days(lake, table, lake.days(table)).collect() for table in DAY_TABLES}


@pytest.fixture(scope="module")
def passes(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Stages, list[RunSummary], list[dict[str, pl.DataFrame]]]:
    home = tmp_path_factory.mktemp("home")
    stages = Stages()
    summaries: list[RunSummary] = []
    kept: list[dict[str, pl.DataFrame]] = []
    for _ in range(2):
        summaries.append(run_loop(request_in(home, day_count=2), stages))
        with LakeResource(home=str(home)).opened() as lake:
            kept.append(frames(lake))
    return home, stages, summaries, kept


Passes = tuple[Path, Stages, list[RunSummary], list[dict[str, pl.DataFrame]]]


def test_a_second_pass_gives_the_same_bytes(passes: Passes) -> None:
    _, _, _, (first, second) = passes
    for table in DAY_TABLES:
        assert first[table].height > 0 or table in EMPTY_ON_TWO_DAYS, table
        assert first[table].equals(second[table]), table


def test_the_summary_counts_what_lies_in_the_lake(passes: Passes) -> None:
    _, _, summaries, (frames_, _) = passes
    assert summaries[0].call_count == frames_["model_calls"].height == summaries[1].call_count
    assert summaries[0].session_count == frames_["sessions"].height
    assert len(summaries[0].days) == 2
    assert sum(summaries[0].llm_mix.values()) == pytest.approx(1.0)
    assert set(summaries[0].stage_s) >= {"telemetry", "features"}


def test_all_checks_hold(passes: Passes) -> None:
    assert [summary.failed_checks for summary in passes[2]] == [(), ()]


def test_sessions_that_cross_midnight_have_all_their_calls(passes: Passes) -> None:
    _, _, _, (kept, _) = passes
    calls = kept["model_calls"].group_by("session_id").agg(pl.len(), pl.col("day").n_unique())
    of_first_day = kept["session_features"].filter(pl.col("day") == pl.col("day").min())
    both = of_first_day.join(calls, on="session_id")
    assert both.filter(pl.col("day_right") > 1).height > 0
    assert (both["call_count"] == both["len"]).all()


def test_dagster_and_ledger_know_both_passes(passes: Passes) -> None:
    home, _, summaries, _ = passes
    with DagsterInstance.from_config(str(home / "dagster")) as instance:
        runs = instance.get_runs()
        daily = [run for run in runs if run.job_name == "telemetry_daily"]
        assert len(daily) == 4
        assert all(run.is_success for run in runs)
    with LedgerResource(home=str(home)).opened() as ledger:
        recorded = {run.run_id: run for run in ledger.runs()}
    for summary in summaries:
        assert recorded[summary.run_id].status is RunStatus.SUCCEEDED
        assert recorded[summary.run_id].snapshots == summary.snapshots


def test_progress_is_told_in_order(passes: Passes) -> None:
    told = passes[1].told
    assert told[0][0] == "telemetry and features of 2026-06-01"
    assert [done for _, done, _ in told[: len(told) // 2]] == list(range(len(told) // 2))
