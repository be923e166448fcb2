"""The history page over past runs, as plain values and as the ledger gives them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.exploration.lineage.past_runs import change_words, history_rows, past_runs, render_history_page
from pipelines.report.history import PastRun, render_history, write_history
from tests.pipelines.report.sample_chips import decision
from tests.pipelines.report.test_html import EVIL, Page
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


def past(run_id: str, day: int, **more: object) -> PastRun:
    plain = PastRun(
        run_id=run_id,
        dataset="synthetic",
        baseline="h100-sxm",
        started_at=f"2026-11-{day:02d} 08:00 UTC",
        status="succeeded",
        report="",
        checked_count=0,
        inside_count=0,
        mean_error_ratio=None,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def cells(page: str) -> list[str]:
    return [word for word in Page(page).words if word.strip()]


def test_a_first_choice_that_changed_is_told_from_one_that_stayed() -> None:
    runs = (past("c", 3), past("b", 2), past("a", 1))
    rows = tuple(
        replace(decision(1, "d", "proposed", ()), run_id=run, change=change)
        for run, change in (("a", "hbm stacks 5 to 6"), ("b", "hbm stacks 5 to 6"), ("c", "l2 bytes 50 to 96"))
    )
    words = cells(render_history(runs, rows))
    assert words.count("first of its data set") == 1
    assert words.count("the same") == 1
    assert words.count("changed") == 1


def test_predictions_of_all_runs_are_counted_together() -> None:
    runs = (
        past("b", 2, checked_count=10, inside_count=9, mean_error_ratio=0.05),
        past("a", 1, checked_count=10, inside_count=6, mean_error_ratio=0.09),
    )
    assert "75\N{NO-BREAK SPACE}% of 20 predictions lay inside their interval (90 % was promised)" in cells(
        render_history(runs, ())
    )


def test_an_empty_ledger_gets_sentences_instead_of_empty_plots() -> None:
    page = Page(render_history((), ()))
    assert len([p for p in page.of("p") if "empty" in str(p.get("class"))]) >= 3
    assert page.scripts[0].strip() == "{}"


def test_hostile_reasons_create_no_element() -> None:
    clean = Page(render_history((past("a", 1),), (replace(decision(1, "d", "rejected", ("no",)), run_id="a"),)))
    row = replace(decision(1, EVIL, "rejected", (EVIL,)), run_id="a", change=EVIL, dataset=EVIL)
    page = Page(render_history((past("a", 1, dataset=EVIL, baseline=EVIL),), (row,)))
    assert {tag for tag, _ in page.elements} == {tag for tag, _ in clean.elements}
    assert len(page.scripts) == 3


def test_a_failed_writing_leaves_the_old_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = write_history(tmp_path, (past("a", 1),), ()).read_bytes()

    def broken_write(path: Path, text: str, **_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", broken_write)
    with pytest.raises(OSError, match="No space left"):
        write_history(tmp_path, (), ())
    assert (tmp_path / "history.html").read_bytes() == before


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
