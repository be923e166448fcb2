"""Past runs as the ledger gives them: predictions paired with evaluations, decisions, links to reports."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.exploration.lineage.past_runs import change_words, history_rows, past_runs, render_history_page
from warehouse.ledger import (
    DesignPoint,
    Evaluation,
    Ledger,
    Prediction,
    Purpose,
    Recommendation,
    RecommendationStatus,
    Run,
    ledger_url,
    open_ledger,
)

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """One run with one recommendation, two predictions and their evaluations."""
    (tmp_path / "ledger").mkdir()
    ledger = open_ledger(ledger_url(tmp_path))
    with ledger.unit_of_work() as work:
        work.runs.add(
            Run(
                run_id="r1",
                dataset="synthetic",
                seed=7,
                baseline_chip="h100-sxm",
                llm_mix={},
                started_at=NOON,
                code_version="x",
            )
        )
        for name, value in (("d1", 1.2), ("d2", 1.5)):
            work.designs.ensure_all([DesignPoint(design_id=name, parameters={"name": name}, created_at=NOON)])
            prediction = Prediction(
                run_id="r1",
                design_id=name,
                scenario="today/full",
                metric="value",
                mean=1.2,
                low=1.1,
                high=1.3,
                model_version="m",
                made_at=NOON,
            )
            work.predictions.add(prediction)
            evaluation = Evaluation(
                run_id="r1",
                design_id=name,
                scenario="today/full",
                metric="value",
                value=value,
                purpose=Purpose.RECOMMENDED,
                evaluated_at=NOON + timedelta(hours=1),
            )
            work.evaluations.add_all([evaluation])
        work.recommendations.save(
            Recommendation(
                run_id="r1",
                design_id="d1",
                rank=1,
                change={"hbm_stacks_count": [5.0, 6.0, "count"]},
                predicted_gain_ratio=1.2,
                low=1.1,
                high=1.3,
                reevaluated_gain_ratio=1.2,
            )
        )
    return ledger


def test_predictions_are_paired_with_their_evaluations(ledger: Ledger, tmp_path: Path) -> None:
    (run,) = past_runs(ledger, tmp_path)
    assert (run.checked_count, run.inside_count) == (2, 1)
    assert run.mean_error_ratio == pytest.approx((0.0 + 0.2) / 2)
    assert run.report == ""


def test_a_decision_reaches_the_row_of_its_recommendation_and_the_page(ledger: Ledger, tmp_path: Path) -> None:
    (before,) = history_rows(ledger, ledger.run("r1"))
    assert (before.status, before.decisions) == ("proposed", ())
    ledger.decide("r1", 1, status=RecommendationStatus.ACCEPTED, why="fits the budget", at=NOON)
    (after,) = history_rows(ledger, ledger.run("r1"))
    assert after.status == "accepted"
    assert after.decisions == ("2026-11-03 12:00 UTC, accepted: fits the budget",)
    assert after.change == "hbm stacks count 5 to 6"
    page = render_history_page(ledger, tmp_path / "reports").read_text(encoding="utf-8")
    assert "fits the budget" in page


def test_a_run_with_a_report_is_linked_to_it(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "report.html").touch()
    assert past_runs(ledger, tmp_path)[0].report == "r1/report.html"


def test_a_change_of_unknown_form_is_named_without_numbers() -> None:
    assert change_words(
        {"l2_bytes": "doubled", "clock_hz": [1.7, 1.9, "GHz"]}
    ) == "l2 bytes, clock hz 1.7 GHz to 1.9 GHz".replace(" GHz", "\N{NO-BREAK SPACE}GHz")
