"""The history page over past runs, as plain values."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.report.history import PastRun, render_history, write_history
from tests.pipelines.report.sample_chips import decision
from tests.pipelines.report.test_html import EVIL, Page


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
