"""Grounds of claims: each kind of evidence has its sentence, and a downgrade is told as one."""

from dataclasses import replace

import pytest

from hwmodel.design.explain import evidence_line
from pipelines.exploration.explaining.grounds import evidence_words, grounds_frame, measured_chips
from tests.hwmodel.design.planted import h100

LINE = evidence_line(h100(), replace(h100(), l2_bytes=h100().l2_bytes * 1.5), measured_chips())


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("built", "whose kernels were measured"),
        ("near", "kernels as on"),
        ("inside", "nobody built this chip"),
        ("beyond", "downgraded: "),
        ("unjudged", "downgraded: only links, latencies or room"),
    ],
)
def test_every_reason_has_a_sentence_after_its_kind(reason: str, said: str) -> None:
    told = evidence_words(replace(LINE, reason=reason))
    assert told.startswith(f"{LINE.kind}: ")
    assert said in told


def test_a_chip_that_was_measured_is_its_own_ground() -> None:
    built = measured_chips()["h200-sxm"]
    (row,) = grounds_frame(h100(), [(1, "HBM3E", built)]).iter_rows(named=True)
    assert (row["kind"], row["nearest_chip"], row["nearest_distance"]) == ("measured", "h200-sxm", 0.0)
    assert not row["is_downgraded"]
    assert row["change_distance"] > 0.0


def test_no_finalist_gives_a_frame_without_rows() -> None:
    assert grounds_frame(h100(), []).is_empty()
