"""What is held out: whole shapes, on all chips, by seed."""

import numpy as np
import polars as pl
import pytest

from hwmodel.silicon.splits import (
    CALIBRATION_RATIO,
    TEST_RATIO,
    TO_CALIBRATE,
    TO_FIT,
    TO_SCORE,
    few,
    few_per_chip,
    shape_folds,
)

ROWS = (
    pl.DataFrame({"chip": ["a", "b"]})
    .join(pl.DataFrame({"n": np.repeat(np.arange(40), 40), "k": np.tile(np.arange(40), 40)}), how="cross")
    .join(pl.DataFrame({"m": [1, 2, 3]}), how="cross")
)


def test_a_shape_lies_in_one_fold_on_every_chip_and_at_every_size() -> None:
    folds = ROWS.with_columns(fold=pl.Series(shape_folds(ROWS, ("n", "k"))))
    assert folds.group_by("n", "k").agg(pl.col("fold").n_unique())["fold"].max() == 1


def test_folds_have_the_shares_that_are_promised() -> None:
    fold = shape_folds(ROWS, ("n", "k"))
    assert (fold == TO_SCORE).mean() == pytest.approx(TEST_RATIO, abs=0.03)
    assert (fold == TO_CALIBRATE).mean() == pytest.approx(CALIBRATION_RATIO, abs=0.03)
    assert set(fold.tolist()) == {TO_FIT, TO_CALIBRATE, TO_SCORE}


def test_a_seed_gives_the_same_split_whatever_the_order_of_the_rows_and_another_seed_another_split() -> None:
    turned = ROWS.reverse()
    first = shape_folds(ROWS, ("n", "k"))
    assert shape_folds(turned, ("n", "k"))[::-1].tolist() == first.tolist()
    assert shape_folds(ROWS, ("n", "k"), seed=1).tolist() != first.tolist()


def test_few_are_drawn_evenly_from_the_chosen_ones_and_stay_in_order() -> None:
    chosen = np.arange(1000) % 2 == 1
    found = few(chosen, 100)
    assert len(found) == len(set(found.tolist())) == 100
    assert chosen[found].all()
    assert (np.diff(found) > 0).all()
    assert 350 < found.mean() < 650
    assert few(chosen, 10_000).tolist() == np.flatnonzero(chosen).tolist()
    assert few(chosen, 100, seed=1).tolist() != found.tolist()


def test_few_per_chip_leaves_out_whole_chips() -> None:
    names = ["a"] * 50 + ["b"] * 5 + ["c"] * 50
    found = few_per_chip(pl.DataFrame({"chip": names}), ["c"], 10)
    assert [names[at] for at in found] == ["a"] * 10 + ["b"] * 5
