"""The three files arrive whole or not at all."""

import json
from pathlib import Path

import pytest

from pipelines.report import write_report
from tests.pipelines.report.sample_content import empty_content, sample_content

NAMES = ["data", "report.html", "report.json", "summary.md"]


def test_three_files_and_the_data_are_written_and_nothing_else(tmp_path: Path) -> None:
    files = write_report(sample_content(), tmp_path / "new" / "report")
    assert sorted(path.name for path in files.html.parent.iterdir()) == NAMES
    assert (files.html.parent / "data" / "pareto.csv").read_text(encoding="utf-8").startswith("design_id,")
    assert files.html.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(files.machine.read_text(encoding="utf-8"))["run"]["run_id"] == "2026-11-03-7f3a"
    assert files.summary.read_text(encoding="utf-8").startswith("# Design recommendation for h100-sxm")


def test_a_failed_rendering_leaves_the_old_report_and_no_half_written_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_report(empty_content(), tmp_path)
    before = files.html.read_bytes()

    def broken_write(path: Path, text: str, **_: object) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", broken_write)
    with pytest.raises(OSError, match="No space left"):
        write_report(sample_content(), tmp_path)
    assert files.html.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES


def test_a_second_rendering_leaves_no_data_of_the_first(tmp_path: Path) -> None:
    files = write_report(sample_content(), tmp_path)
    write_report(empty_content(), tmp_path)
    assert list((files.html.parent / "data").iterdir()) == []
