import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from featurize.bands import (
    CONTEXT_BANDS,
    WAIT_EDGES_S,
    context_band,
    doubling_label,
    doubling_order,
    wait_high_s,
    wait_low_s,
)


def test_context_bands_are_closed_below() -> None:
    tokens = pl.Series([0, 4095, 4096, 16384, 65536, 131071, 131072, 262143, 262144, None])
    expected = [
        *CONTEXT_BANDS[:1] * 2,
        "4-16K",
        "16-64K",
        "64-128K",
        "64-128K",
        "128-256K",
        "128-256K",
        ">=256K",
        "unknown",
    ]
    assert pl.select(context_band(pl.lit(tokens)).alias("band"))["band"].to_list() == expected


@given(st.integers(1, 2**60))
def test_a_count_lies_inside_its_doubling_band(count: int) -> None:
    order = pl.select(doubling_order(pl.lit(count, pl.Int64)).alias("order"))["order"].item()
    assert order == count.bit_length() - 1


def test_doubling_labels_name_both_ends() -> None:
    order = pl.Series([0, 1, 2, 10], dtype=pl.Int64)
    labels = pl.select(doubling_label(pl.lit(order)).alias("label"))["label"].to_list()
    assert labels == ["1", "2-3", "4-7", "1024-2047"]


@given(st.floats(0, 1e6))
def test_a_wait_lies_between_the_edges_of_its_band(wait_s: float) -> None:
    wait = pl.lit(wait_s)
    low_s, high_s = pl.select(wait_low_s(wait).alias("low"), wait_high_s(wait).alias("high")).row(0)
    assert low_s <= wait_s
    assert (high_s is None and low_s == WAIT_EDGES_S[-1]) or wait_s < high_s


def test_an_unknown_wait_has_no_band() -> None:
    wait = pl.lit(None, pl.Float64)
    assert pl.select(wait_low_s(wait).alias("low"), wait_high_s(wait).alias("high")).row(0) == (None, None)
