"""Errors on chips that were left out: told chip by chip, twins together, formats that nobody else has apart."""

from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest

from hwmodel.silicon.chip_accuracy import TWINS, ChipAccuracy, chip_accuracy, predict_left_out
from hwmodel.silicon.left_out import LeftOut
from hwmodel.timing import FIRST_CONSTANTS
from tests.hwmodel.silicon.planted import CHIPS, SMALL, make_fits_small, products, timed, truth

B200, H100 = frozenset({"b200-sxm"}), frozenset({"h100-sxm"})
SLOW = 3.0
"""How much slower the planted B200 is than the other chips would have it."""
ROWS = pl.concat([products(shapes=60), products(("b200-sxm", "l40s"), 15, dtype="fp8")])


@pytest.fixture(scope="module")
def left_out() -> LeftOut:
    return LeftOut(SMALL, truth(timed(ROWS, {"b200-sxm": SLOW})), FIRST_CONSTANTS)


@pytest.fixture(scope="module")
def found(left_out: LeftOut) -> Iterator[ChipAccuracy]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_fits_small(monkeypatch)
        yield chip_accuracy(left_out, [B200, H100, TWINS[0]])


def overall(found: ChipAccuracy, split: str) -> dict[str, float]:
    return {row.chip: row.mape for row in found.rows if row.split == split and row.dtype == row.bucket == "all"}


def test_a_chip_slower_than_the_others_say_is_missed_by_just_that_factor(found: ChipAccuracy) -> None:
    told = overall(found, "chip")
    assert told["b200-sxm"] == pytest.approx(1.0 - 1.0 / SLOW, abs=0.03)


def test_twins_are_told_alone_and_together(found: ChipAccuracy) -> None:
    assert set(overall(found, "chip")) == {"b200-sxm", "h100-sxm"}
    assert set(overall(found, "chip and twin")) == {"h100-sxm", "h200-sxm"}
    assert [one.chips for one in found.radii] == ["b200-sxm", "h100-sxm", "h100-sxm + h200-sxm"]


def test_formats_that_no_two_others_have_are_told_as_extrapolated(found: ChipAccuracy) -> None:
    split = pl.col("split")
    assert set(found.scored.filter(split == "chip, extrapolated")["dtype"]) == {"fp8"}
    assert "fp8" not in set(found.scored.filter((split == "chip") & (pl.col("chip") == "b200-sxm"))["dtype"])


def test_the_worst_other_chip_makes_the_wider_interval_and_it_does_not_know_the_chip_at_hand(
    found: ChipAccuracy,
) -> None:
    of_b200, of_h100, _ = found.radii
    assert of_b200.most < 1.5
    assert of_h100.most > 2.0
    assert all(one.most >= one.mean > 1.0 for one in found.radii)


def test_an_interval_that_does_not_know_of_the_slow_chip_does_not_cover_it(found: ChipAccuracy) -> None:
    covered = {
        row.chip: row.interval_coverage
        for row in found.rows
        if row.split == "chip" and row.dtype == row.bucket == "all"
    }
    assert covered["b200-sxm"] == 0.0
    assert covered["h100-sxm"] == 1.0


def test_predictions_are_made_of_every_row_of_the_chips_that_are_out_and_of_no_other(
    left_out: LeftOut, found: ChipAccuracy
) -> None:
    assert found.rows
    rows = predict_left_out(left_out, TWINS[0])
    assert set(rows["chip"]) == TWINS[0]
    assert len(rows) == 2 * len(ROWS.filter(pl.col("chip") == CHIPS[0]))
    assert (rows["predicted_s"] >= rows["bound_s"]).all()
    assert np.isfinite(rows["closed_form_s"].to_numpy()).all()
