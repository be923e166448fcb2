"""Housekeeping keeps what the ledger names and says what it removed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.drive import run_maintenance
from pipelines.lake_days import write_day
from pipelines.maintenance import keep_house
from pipelines.resources import LakeResource, LedgerResource
from pipelines.settings import Settings
from tests.pipelines.homes import FIRST, made_day
from warehouse.contracts import ModelCalls
from warehouse.ledger import Run

NOW = datetime.now(UTC)


def test_snapshots_of_recorded_runs_stay_and_others_go_after_a_month(tmp_path: Path) -> None:
    frame = made_day(calls_per_day=100)["model_calls"]
    with LakeResource(home=str(tmp_path)).opened() as lake, LedgerResource(home=str(tmp_path)).opened() as ledger:
        receipts = [write_day(lake, "model_calls", frame, FIRST) for _ in range(3)]
        named = Run(
            run_id="r",
            dataset="synthetic",
            seed=0,
            baseline_chip="h100-sxm",
            llm_mix={},
            started_at=NOW,
            code_version="0",
            snapshots={"model_calls": receipts[0].snapshot_id},
        )
        with ledger.unit_of_work() as work:
            work.runs.add(named)
        assert keep_house(lake, ledger, now=NOW).snapshot_count == 0
        done = keep_house(lake, ledger, now=NOW + timedelta(days=31))
        assert done.snapshot_count > 0
        assert lake.scan("model_calls", schema=ModelCalls, snapshot_id=receipts[0].snapshot_id).collect().height
        assert lake.row_count("model_calls") == frame.height


def test_the_job_tells_what_it_removed(tmp_path: Path) -> None:
    assert run_maintenance(Settings(home=tmp_path)) == {"snapshots": 0, "files": 0, "freed_bytes": 0}
