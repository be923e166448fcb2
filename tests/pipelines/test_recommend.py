"""`scoville recommend` in a process of its own: killed in the middle it goes on, and ends as if nothing had been."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.resources import LedgerResource
from pipelines.run_loop import run_loop
from tests.pipelines.homes import request_in
from warehouse.ledger import Evaluation, Prediction, RunStatus

pytestmark = pytest.mark.slow
KILLED_AFTER = 6
"""Replays that are in the ledger when the command is killed: the second round is under way."""


def started(home: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.pipelines.small_search", "recommend", "--home", str(home), "--json"]
    return subprocess.Popen(  # noqa: S603 - our own words
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(command: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = command.communicate()
    assert command.returncode == 0, err
    summary: dict[str, Any] = json.loads(out)
    return summary


def replayed(home: Path) -> list[Evaluation]:
    """Replays that a later run can recall, in the ledger: one row each."""
    with LedgerResource(home=str(home)).opened() as ledger, ledger.unit_of_work() as work:
        return [row for row in work.evaluations.where(metric="replayed.keeps_promises") if "@" in row.scenario]


def predicted(home: Path, run_id: str) -> list[Prediction]:
    with LedgerResource(home=str(home)).opened() as ledger:
        return ledger.predictions_of(run_id)


def kill_in_the_middle(home: Path) -> str:
    """Start the command and kill it once some replays are finished; returns the run that was cut off."""
    command = started(home, "--seed", "5")
    while command.poll() is None and len(replayed(home)) < KILLED_AFTER:
        time.sleep(0.05)
    assert command.poll() is None, command.communicate()[1]
    os.kill(command.pid, signal.SIGKILL)
    command.communicate()
    with LedgerResource(home=str(home)).opened() as ledger:
        return ledger.runs()[-1].run_id


def recommended(home: Path, summary: Mapping[str, Any]) -> list[Any]:
    """Recommendations of a run, all numbers as they are, times and ids of the run left out."""
    report = json.loads(Path(summary["report"]).with_name("report.json").read_text())
    with LedgerResource(home=str(home)).opened() as ledger:
        rows = ledger.recommendations_of(summary["run_id"])
    return [report["recommendations"], [(row.rank, row.design_id, row.status) for row in rows]]


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two state folders with the same telemetry and features of a small day."""
    found = []
    for name in ("whole", "cut"):
        home = tmp_path_factory.mktemp(name)
        request = request_in(home, calls_per_day=6000)
        run_loop(replace(request, features_only=True))
        found.append(home)
    return found[0], found[1]


def test_a_killed_command_goes_on_where_it_was_and_recommends_the_same(homes: tuple[Path, Path]) -> None:
    whole, cut = homes
    uninterrupted = ended(started(whole, "--seed", "5"))
    run_id = kill_in_the_middle(cut)
    finished, told = replayed(cut), predicted(cut, run_id)
    assert len(finished) >= KILLED_AFTER
    assert told
    resumed = ended(started(cut, "--seed", "5"))

    after = replayed(cut)
    assert all(row in after for row in finished)
    counts = Counter((row.scenario, row.design_id) for row in after)
    assert set(counts.values()) == {1}
    assert {row.run_id for row in after} == {run_id, resumed["run_id"]}
    assert sum(row.run_id == run_id for row in after) == len(finished)
    wanted = {(row.scenario, row.design_id) for row in replayed(whole)}
    assert set(counts) == wanted

    assert predicted(cut, run_id) == told
    assert recommended(cut, resumed) == recommended(whole, uninterrupted)
    with LedgerResource(home=str(cut)).opened() as ledger:
        assert ledger.run(resumed["run_id"]).status is RunStatus.SUCCEEDED


def test_the_same_seed_recommends_the_same_again_without_a_replay(homes: tuple[Path, Path]) -> None:
    whole, _ = homes
    before = replayed(whole)
    again = ended(started(whole, "--seed", "5"))
    with LedgerResource(home=str(whole)).opened() as ledger:
        first = next(run.run_id for run in ledger.runs() if ledger.recommendations_of(run.run_id))
        reports = Path(again["report"]).parents[1]
        assert recommended(whole, again) == recommended(
            whole, {"run_id": first, "report": str(reports / first / "report.html")}
        )
    assert replayed(whole) == before
