"""The truth of a shape: impossible rows out first, then the best of several stacks, held-out chips never."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hwmodel.catalog import load_catalog
from hwmodel.silicon.errors import TooFewRows
from hwmodel.silicon.families import GEMM
from hwmodel.silicon.tables import HELD_OUT_CHIPS
from hwmodel.silicon.truth import Truth, best_of_stacks, truth_of
from tests.hwmodel.silicon.planted import products, timed, write_tables

NOWHERE = Path("nowhere")


def measured(*rows: tuple[str, str, int, float]) -> pl.DataFrame:
    """chip, backend, m, latency in us; n = k = 4096 in bf16: at least 10 us of weights on H100."""
    frame = pl.DataFrame(rows, schema=["chip", "backend", "m", "latency_us"], orient="row")
    return frame.select(
        "chip",
        "backend",
        kernel=pl.lit("gemm"),
        dtype=pl.lit("bfloat16"),
        m="m",
        n=pl.lit(4096),
        k=pl.lit(4096),
        latency_s=1e-6 * pl.col("latency_us"),
    )


def told(rows: pl.DataFrame) -> Truth:
    return truth_of(replace(GEMM, read=lambda _: rows), NOWHERE, load_catalog())


def test_a_row_that_a_cache_served_does_not_become_the_truth_of_its_shape() -> None:
    rows = measured(("h100-sxm", "a", 1, 2.0), ("h100-sxm", "a", 1, 15.0), ("h100-sxm", "b", 1, 14.0))
    found = told(rows)
    assert found.best["latency_s"].to_list() == pytest.approx([14e-6])
    assert found.impossible["latency_s"].to_list() == pytest.approx([2e-6])
    assert found.own.sort("backend")["latency_s"].to_list() == pytest.approx([15e-6, 14e-6])


def test_impossible_rows_are_counted_once_for_each_kernel_at_their_fastest() -> None:
    rows = measured(
        *(("h100-sxm", backend, m, latency) for m in (1, 2) for backend, latency in (("a", 3.0), ("b", 2.0))),
        ("h100-sxm", "a", 4, 15.0),
        ("h100-sxm", "b", 4, 16.0),
    )
    found = told(rows)
    assert found.impossible.sort("m")["m"].to_list() == [1, 2]
    assert found.impossible["latency_s"].to_list() == pytest.approx([2e-6, 2e-6])
    assert found.best["m"].to_list() == [4]


def test_a_shape_that_loses_a_stack_to_the_cache_is_lone_and_left_out() -> None:
    rows = measured(
        ("h100-sxm", "a", 1, 2.0), ("h100-sxm", "b", 1, 30.0), ("h100-sxm", "a", 2, 15.0), ("h100-sxm", "b", 2, 30.0)
    )
    found = told(rows)
    assert found.best["m"].to_list() == [2]
    assert found.lone_count == 1


def test_one_stack_alone_is_the_truth_where_the_chip_has_no_other_and_not_where_it_has() -> None:
    rows = measured(("h100-sxm", "a", 1, 15.0), ("h200-sxm", "a", 1, 15.0), ("h200-sxm", "b", 2, 15.0))
    best, lone_count = best_of_stacks(GEMM, rows.with_columns(bucket=GEMM.bucket))
    assert best["chip"].to_list() == ["h100-sxm"]
    assert lone_count == 2


def test_a_stack_counts_for_its_own_format_alone() -> None:
    bf16 = measured(("h100-sxm", "a", 1, 15.0), ("h100-sxm", "b", 1, 15.0))
    fp8 = measured(("h100-sxm", "a", 1, 15.0)).with_columns(dtype=pl.lit("fp8"))
    best, lone_count = best_of_stacks(GEMM, pl.concat([bf16, fp8]).with_columns(bucket=GEMM.bucket))
    assert sorted(best["dtype"]) == ["bfloat16", "fp8"]
    assert lone_count == 0


def test_repeats_of_one_stack_are_not_two_stacks() -> None:
    rows = measured(("h100-sxm", "a", 1, 15.0), ("h100-sxm", "a", 1, 16.0), ("h100-sxm", "b", 2, 15.0))
    assert told(rows).lone_count == 2


def test_held_out_chips_are_nowhere_in_the_truth_of_a_folder_that_has_them(tmp_path: Path) -> None:
    names = ("h100-sxm", *sorted(HELD_OUT_CHIPS))
    write_tables(timed(products(names, 10)), tmp_path)
    found = truth_of(GEMM, tmp_path, load_catalog())
    assert set(found.chips) == {"h100-sxm"}
    for frame in (found.best, found.own, found.impossible):
        assert not HELD_OUT_CHIPS & set(frame["chip"])
    assert set(found.best["chip"]) == {"h100-sxm"}


def test_a_folder_of_held_out_chips_alone_is_refused(tmp_path: Path) -> None:
    write_tables(timed(products(("b300-sxm",), 10)), tmp_path)
    with pytest.raises(TooFewRows, match="b300-sxm"):
        truth_of(GEMM, tmp_path, load_catalog())


def test_the_truth_of_planted_tables_is_the_faster_stack(tmp_path: Path) -> None:
    planted = timed(products(("h100-sxm", "b200-sxm"), 20)).sort("chip", *GEMM.keys)
    write_tables(planted, tmp_path)
    found = truth_of(GEMM, tmp_path, load_catalog())
    assert found.best.select(planted.columns).drop("latency_s").equals(planted.drop("latency_s"))
    assert found.best["latency_s"].to_list() == pytest.approx(planted["latency_s"].to_list())
    assert len(found.own) == 2 * len(planted)
    assert found.impossible.is_empty()
    assert found.lone_count == 0
