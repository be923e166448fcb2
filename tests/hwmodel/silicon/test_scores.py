"""Widths of intervals from rows that no fit has seen."""

import numpy as np
import polars as pl
import pytest

from hwmodel.silicon.scores import conformal_factor


def frame(groups: dict[tuple[str, str], list[float]]) -> pl.DataFrame:
    """Rows whose prediction is off by the factors given."""
    rows = [(chip, bucket, 1.0, factor) for (chip, bucket), factors in groups.items() for factor in factors]
    return pl.DataFrame(rows, schema=["chip", "bucket", "latency_s", "predicted_s"], orient="row")


def factors_of(found: pl.DataFrame) -> dict[tuple[str, str], float]:
    return {(row["chip"], row["bucket"]): row["factor"] for row in found.iter_rows(named=True)}


def test_a_group_of_nineteen_takes_its_eighteenth_error() -> None:
    factors = [1.0 + step / 100.0 for step in range(1, 20)]
    found = factors_of(conformal_factor(frame({("a", "x"): factors}), ["chip", "bucket"]))
    assert found["a", "x"] == pytest.approx(1.18)


def test_a_group_with_too_few_rows_takes_the_width_of_its_whole_chip_and_not_of_another() -> None:
    many, few = [1.1] * 60, [1.5] * 3
    rows = frame({("a", "x"): many, ("a", "y"): few, ("b", "x"): few})
    found = factors_of(conformal_factor(rows, ["chip", "bucket"]))
    assert found["a", "x"] == pytest.approx(1.1)
    assert found["a", "y"] == pytest.approx(1.1)
    assert np.isinf(found["b", "x"])
