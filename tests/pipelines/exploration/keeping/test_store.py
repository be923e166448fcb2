"""Findings on disk: what is written is read, and what cannot be read is refused in words."""

import json
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import polars as pl
import pytest

from pipelines.errors import BadInput
from pipelines.exploration.keeping.store import FINDINGS_FILE, load_findings, save_findings
from tests.pipelines.exploration.sample_findings import sample_findings


def assert_same(one: object, other: object) -> None:
    assert type(one) is type(other)
    if isinstance(one, pl.DataFrame):
        assert one.schema == other.schema  # type: ignore[attr-defined]
        assert one.equals(other)  # type: ignore[arg-type]
    elif is_dataclass(one) and not isinstance(one, type):
        for member in fields(one):
            assert_same(getattr(one, member.name), getattr(other, member.name))
    elif isinstance(one, tuple):
        assert len(one) == len(other)  # type: ignore[arg-type]
        for left, right in zip(one, other, strict=True):  # type: ignore[call-overload]
            assert_same(left, right)
    else:
        assert one == other


def test_findings_come_back_as_they_were(tmp_path: Path) -> None:
    findings = sample_findings()
    assert any(isinstance(dtype, pl.Enum) for dtype in findings.hotspots.schema.values())
    assert save_findings(tmp_path / "run", findings) == tmp_path / "run" / FINDINGS_FILE
    found = load_findings(tmp_path / "run")
    for member in fields(findings):
        assert_same(getattr(findings, member.name), getattr(found, member.name))


def test_a_finalist_that_was_never_replayed_comes_back_too(tmp_path: Path) -> None:
    view = replace(sample_findings().recommendations[0], reevaluated_gain=None, curves={}, bill_shift=pl.DataFrame())
    save_findings(tmp_path, sample_findings(recommendations=(view,), calibration=pl.DataFrame()))
    found = load_findings(tmp_path)
    assert_same(found.recommendations, (view,))
    assert found.calibration.is_empty()


def test_saving_again_replaces_and_leaves_no_half_file(tmp_path: Path) -> None:
    save_findings(tmp_path, sample_findings())
    save_findings(tmp_path, sample_findings(scored_count=7))
    assert load_findings(tmp_path).scored_count == 7
    assert [path.name for path in tmp_path.iterdir()] == [FINDINGS_FILE]


def test_a_run_without_findings_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"run 20260601-x has no findings that can be read.*run the loop again"):
        load_findings(tmp_path / "20260601-x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        '"text"',
        '{"kind": "Findings", "fields": {}}',
        '{"kind": "Path", "fields": {}}',
        '{"kind": "Interval", "fields": {"mid": 1, "low": 0, "high": 2}}',
        '{"frame": "AAAA"}',
        '{"frame": "%%%"}',
        '{"frame": 3}',
        '{"dict": 3}',
        '{"kind": "Findings", "fields": []}',
        '{"kind": ["Findings"], "fields": {}}',
        "\udcff",
    ],
)
def test_a_file_that_holds_no_findings_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FINDINGS_FILE).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(BadInput, match="run the loop again"):
        load_findings(tmp_path)


def test_a_frame_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = save_findings(tmp_path, sample_findings())
    whole = json.loads(path.read_text())
    whole["fields"]["hotspots"]["frame"] = whole["fields"]["hotspots"]["frame"][:400]
    path.write_text(json.dumps(whole))
    with pytest.raises(BadInput, match="run the loop again"):
        load_findings(tmp_path)
