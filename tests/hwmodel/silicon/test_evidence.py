"""Widths of intervals: the group's own, else the widest that is known."""

import polars as pl

from hwmodel.silicon.evidence import EVIDENCE, Widths

SEEN = pl.DataFrame(
    {"chip": ["x", "x", "y"], "dtype": ["bf16", "bf16", "bf16"], "bucket": ["s", "l", "s"], "factor": [1.1, 1.4, 9.0]}
)
ASKED = pl.DataFrame({"dtype": ["bf16", "fp8", "bf16", "bf16"], "bucket": ["l", "l", "s", "xl"]})


def test_each_row_of_a_measured_chip_has_the_width_of_its_group_in_order() -> None:
    told = Widths(seen=SEEN, unseen_factor=1.3).of(ASKED, "x").to_list()
    assert told == [1.4, 1.4, 1.1, 1.4]


def test_groups_that_nobody_measured_are_no_narrower_than_chips_that_nobody_measured() -> None:
    told = Widths(seen=SEEN, unseen_factor=2.0).of(ASKED, "x").to_list()
    assert told == [1.4, 2.0, 1.1, 2.0]


def test_a_chip_that_nobody_measured_has_one_width() -> None:
    told = Widths(seen=SEEN, unseen_factor=1.7).of(ASKED, "z")
    assert told.to_list() == [1.7] * 4
    assert told.dtype == pl.Float64


def test_the_evidence_says_whether_the_chip_was_measured() -> None:
    assert "on a chip that was measured" in EVIDENCE[True]
    assert "on a chip that was not measured" in EVIDENCE[False]
    assert all(text.startswith("calibrated") for text in EVIDENCE.values())
