"""Shapes: one common factor is no difference, everything else is."""

import numpy as np
import polars as pl
import pytest

from hwmodel.serving.explained import cells_of, likeness
from tests.hwmodel.serving.explained.timed_calls import timed_calls

CALLS = timed_calls()


def scaled(calls: pl.DataFrame, *, ttft: float = 1.0, tpot: float = 1.0) -> pl.DataFrame:
    return calls.with_columns(pl.col("ttft_s") * ttft, pl.col("tpot_s") * tpot)


@pytest.mark.parametrize("factor", [0.01, 1.0, 7.5])
def test_a_service_that_is_slower_by_one_factor_has_the_same_shape(factor: float) -> None:
    found = likeness(cells_of(CALLS), cells_of(scaled(CALLS, ttft=factor, tpot=factor)))
    assert found is not None
    assert found.distance_ratio == pytest.approx(1.0, abs=1e-9)
    assert found.unexplained_ratio == pytest.approx(factor)
    assert found.unexplained_by == {"first token": pytest.approx(factor), "output token": pytest.approx(factor)}


def test_a_factor_on_one_measure_alone_is_a_distance_of_its_square_root_around_the_common_one() -> None:
    found = likeness(cells_of(CALLS), cells_of(scaled(CALLS, tpot=4.0)))
    assert found is not None
    # half of the weight at log 0, half at log 4: the mean is log 2, and every cell is log 2 off it
    assert found.unexplained_ratio == pytest.approx(2.0, rel=1e-6)
    assert found.distance_ratio == pytest.approx(2.0, rel=1e-6)
    assert found.unexplained_by == {"first token": pytest.approx(1.0), "output token": pytest.approx(4.0)}


def test_another_dependence_on_length_is_a_distance() -> None:
    steeper = CALLS.with_columns(ttft_s=pl.col("ttft_s") * (pl.col("uncached_tokens") / 1000.0).sqrt())
    found = likeness(cells_of(CALLS), cells_of(steeper))
    assert found is not None
    assert found.distance_ratio > 1.4


def test_weights_are_shared_equally_by_measures_and_by_surfaces() -> None:
    found = likeness(cells_of(CALLS), cells_of(CALLS))
    assert found is not None
    by_part = found.cells.group_by("measure", "surface").agg(pl.col("weight_ratio").sum())
    assert by_part["weight_ratio"].to_numpy() == pytest.approx(np.full(12, 1.0 / 12.0))


def test_cells_with_few_calls_are_not_compared() -> None:
    few = CALLS.filter(pl.col("surface") == "codex_loop").head(40)
    assert likeness(cells_of(few.head(20)), cells_of(few)) is None
    assert likeness(cells_of(CALLS), cells_of(few.clear())) is None
