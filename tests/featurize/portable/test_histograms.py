import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from featurize.portable import BIN_ERROR_RATIO, histogram, histogram_quantiles

numbers = st.lists(st.one_of(st.integers(0, 100), st.integers(0, 2**46)), min_size=1, max_size=60)


def counted(values: list[int | None]) -> pl.LazyFrame:
    frame = pl.LazyFrame({"kind": ["x"] * len(values), "value": values}, schema={"kind": pl.String, "value": pl.Int64})
    return histogram(frame, keys=("kind",), value="value").sort("kind", "bin_low")


@given(numbers)
def test_every_number_lies_in_its_bin_and_is_counted_once(values: list[int]) -> None:
    bins = counted([*values, None]).collect()
    assert bins["value_count"].sum() == len(values)
    assert bins["value_sum"].sum() == sum(values)
    assert (bins["value_sum"] >= bins["bin_low"] * bins["value_count"]).all()
    assert (bins["value_sum"] <= (bins["bin_high"] - 1) * bins["value_count"]).all()
    width_ratio = (bins["bin_high"] - bins["bin_low"] - 1) / bins["bin_low"].clip(lower_bound=1)
    assert (width_ratio <= BIN_ERROR_RATIO).all()


@given(numbers, numbers)
def test_histograms_of_parts_add_up_to_the_histogram_of_the_whole(first: list[int], second: list[int]) -> None:
    parts = pl.concat([counted(list(first)), counted(list(second))])
    merged = parts.group_by("kind", "bin_low", "bin_high").agg(pl.col("value_count", "value_sum").sum())
    assert_frame_equal(merged.sort("kind", "bin_low").collect(), counted([*first, *second]).collect())


@pytest.mark.parametrize(("value", "low", "high"), [(0, 0, 1), (31, 31, 32), (32, 32, 34), (1000, 992, 1024)])
def test_bins_lie_where_they_should(value: int, low: int, high: int) -> None:
    assert counted([value]).select("bin_low", "bin_high").collect().row(0) == (low, high)


@given(numbers, st.sampled_from([0.0, 0.25, 0.5, 0.95, 1.0]))
def test_a_quantile_is_within_a_bin_of_the_observations_around_the_exact_one(values: list[int], q: float) -> None:
    found = histogram_quantiles(counted(list(values)), keys=("kind",), quantiles={"q": q}).collect()["q"].item()
    low, high = (np.quantile(values, q, method=method) for method in ("inverted_cdf", "inverted_cdf"))
    assert low * (1 - BIN_ERROR_RATIO) - 1e-6 <= found <= high * (1 + BIN_ERROR_RATIO) + 1e-6


def test_the_percentiles_of_many_waits_are_near_the_exact_ones() -> None:
    waits_us = np.random.default_rng(0).lognormal(13.0, 1.5, 20_000).astype(np.int64)
    frame = pl.LazyFrame({"kind": "x", "value": waits_us})
    wanted = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    found = histogram_quantiles(histogram(frame, keys=("kind",), value="value"), keys=("kind",), quantiles=wanted)
    for name, q in wanted.items():
        assert found.collect()[name].item() == pytest.approx(np.quantile(waits_us, q), rel=0.01)
