"""The ledger knows which run followed which, on which accepted design."""

from pathlib import Path

import pytest

from tests.warehouse.ledger_records import DESIGN, PARAMETERS, begin, recommendation, run
from warehouse.errors import MissingReference, NotRecorded
from warehouse.ledger import Generation, Ledger, ledger_url, open_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    opened = open_ledger(ledger_url(tmp_path))
    with opened.unit_of_work() as work:
        begin(work)
        work.runs.add(run("r2"))
        work.recommendations.add(recommendation())
        work.generations.add(_first("r1"))
    return opened


def _first(run_id: str) -> Generation:
    return Generation(run_id=run_id, number=1, previous_run_id=None, design_id=None, elasticity_ratio=1.0)


def _second(design_id: str = DESIGN) -> Generation:
    return Generation(
        run_id="r2",
        number=2,
        previous_run_id="r1",
        design_id=design_id,
        elasticity_ratio=1.0,
        moved={"api_burst": {"price_ratio": 0.8, "latency_ratio": 0.9, "volume_ratio": 1.3}},
    )


def test_a_chain_of_generations_is_told_from_its_first_run(ledger: Ledger) -> None:
    with ledger.unit_of_work() as work:
        work.generations.add(_second())
    assert ledger.generations_upto("r2") == [_first("r1"), _second()]
    assert ledger.generations_upto("r1") == [_first("r1")]


def test_a_run_on_its_own_belongs_to_no_chain(ledger: Ledger) -> None:
    assert ledger.generations_upto("r2") == []


def test_a_generation_on_a_design_that_is_not_there_is_refused(ledger: Ledger) -> None:
    with pytest.raises(MissingReference), ledger.unit_of_work() as work:
        work.generations.add(_second("0" * 16))


def test_a_recommended_design_is_found_by_rank_and_by_id(ledger: Ledger) -> None:
    assert ledger.design_of("r1", 1).parameters == PARAMETERS
    assert ledger.design_of("r1", DESIGN).parameters == PARAMETERS
    with pytest.raises(NotRecorded, match="has no recommendation"):
        ledger.design_of("r1", 2)
