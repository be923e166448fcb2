"""The ledger as the search's listener: replays are recalled by demand and code, models by their stamp."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hwmodel.costmodel import ModelStamp
from hwmodel.design import Outcome
from pipelines.exploration.keeping import log as listener
from pipelines.exploration.keeping.log import LedgerLog
from tests.hwmodel.design.planted import h100
from warehouse.ledger import Ledger, Run, ledger_url, open_ledger

FOUND = Outcome(design=h100(), scenario="today", numbers={"value_per_usd_ratio": 1.25, "bill_ratio_hbm": 0.7})
STAMP = ModelStamp(version="gp-residual-2-abc", kind="gp-residual-2", trained_on={"designs": 9})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    opened = open_ledger(ledger_url(tmp_path))
    with opened.unit_of_work() as work:
        for run_id in ("first", "second"):
            work.runs.add(
                Run(
                    run_id=run_id,
                    dataset="d",
                    seed=0,
                    baseline_chip="h100-sxm",
                    llm_mix={},
                    started_at=datetime.now(UTC),
                    code_version="0",
                )
            )
    return opened


def log_of(ledger: Ledger, run_id: str) -> LedgerLog:
    return LedgerLog(ledger=ledger, run_id=run_id, scenario="today")


def test_a_later_run_recalls_what_an_earlier_one_finished(ledger: Ledger) -> None:
    log_of(ledger, "first").kept(FOUND, "abc")
    later = log_of(ledger, "second")
    found = later.recalled(h100(), "today", "abc")
    assert found is not None
    assert found.numbers == FOUND.numbers
    assert later.recalled_count == [1]


def test_another_demand_another_chip_and_other_code_are_not_recalled(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_of(ledger, "first").kept(FOUND, "abc")
    later = log_of(ledger, "second")
    assert later.recalled(h100(), "today", "xyz") is None
    assert later.recalled(replace(h100(), clock_hz=1e9), "today", "abc") is None
    monkeypatch.setattr(listener, "source_stamp", lambda: "other")
    assert log_of(ledger, "second").recalled(h100(), "today", "abc") is None


def test_a_design_that_keeps_no_promise_is_recalled_as_such(ledger: Ledger) -> None:
    log_of(ledger, "first").kept(Outcome(design=h100(), scenario="today", numbers=None), "abc")
    found = log_of(ledger, "second").recalled(h100(), "today", "abc")
    assert found is not None
    assert found.numbers is None


def test_numbers_that_come_later_are_added_and_those_that_are_there_stay(ledger: Ledger) -> None:
    log = log_of(ledger, "first")
    log.kept(replace(FOUND, numbers={"value_per_usd_ratio": 1.25}), "abc")
    log.kept(FOUND, "abc")
    found = log_of(ledger, "second").recalled(h100(), "today", "abc")
    assert found is not None
    assert found.numbers == FOUND.numbers


def test_predictions_name_the_model_that_made_them_and_the_ledger_keeps_its_training(ledger: Ledger) -> None:
    log = log_of(ledger, "first")
    log.trained(STAMP)
    log.trained(STAMP)
    log.predicted(h100(), (1.1, 1.0, 1.2), "training")
    assert [one.model_version for one in ledger.predictions_of("first")] == [STAMP.version]
    with ledger.unit_of_work() as work:
        kept = work.model_versions.get(STAMP.version)
    assert kept is not None
    assert kept.trained_on["designs"] == 9
