"""A run is kept while it goes on, with its place in a chain of generations."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.resources import LedgerResource
from pipelines.run_record import GenerationStep, recorded_run
from warehouse.ledger import Generation, Run, RunStatus

RUN = Run(
    run_id="r1",
    dataset="d",
    seed=0,
    baseline_chip="h100-sxm",
    llm_mix={},
    started_at=datetime(2026, 6, 1, 12, tzinfo=UTC),
    code_version="0",
)
MOVED = {"api_burst": {"price_ratio": 0.8, "latency_ratio": 0.9, "volume_ratio": 1.2}}


def kept(home: Path) -> tuple[Run, list[Generation]]:
    with LedgerResource(home=str(home)).opened() as ledger:
        return ledger.run("r1"), list(ledger.generations_upto("r1"))


def test_a_step_is_kept_field_by_field_with_its_run(tmp_path: Path) -> None:
    step = GenerationStep(number=1, elasticity_ratio=0.5, moved=MOVED)
    with recorded_run(tmp_path, RUN, step) as succeed:
        succeed({"sessions": 7}, {"gpt-oss-120b": 1.0})
    run, chain = kept(tmp_path)
    assert (run.status, run.snapshots, run.llm_mix) == (RunStatus.SUCCEEDED, {"sessions": 7}, {"gpt-oss-120b": 1.0})
    assert chain == [
        Generation(run_id="r1", number=1, previous_run_id=None, design_id=None, elasticity_ratio=0.5, moved=MOVED)
    ]


def test_a_run_that_breaks_is_kept_as_failed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="broke"), recorded_run(tmp_path, RUN, None):
        raise RuntimeError("broke")
    run, chain = kept(tmp_path)
    assert run.status is RunStatus.FAILED
    assert chain == []
