"""Comparison with rivals: errors worked out by hand, rows counted once, shapes left out of the fit."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hwmodel.catalog import load_catalog
from hwmodel.silicon.errors import NoTables, UnknownGpu, UnreadableTable
from hwmodel.silicon.rivals import RivalRow, rival_comparison, rival_rows, rival_shapes, rival_table, without_shapes
from hwmodel.timing import FIRST_CONSTANTS
from tests.shared_data import shared_path

RANDOM = """device,m,n,k,measured_us,roofline_us,llmcompass_us,llmcompass_cpu_s
H100_SXM,32,8192,8192,100,50,80,0.1
H100_SXM,64,4096,8192,100,50,110,0.1
H100_SXM,1024,4096,8192,200,100,200,0.1
"""
LLAMA = """device,op,m,n,k,llmcompass_us,genz_us,roofline_us,measured_us,llmcompass_cpu_s
H100_SXM,o,32,8192,8192,80,60,50,100,0.1
H100_SXM,o,1,8192,28672,80,60,50,,0.1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rivals").mkdir()
    (tmp_path / "rivals" / "gemm_random_shapes.csv").write_text(RANDOM)
    (tmp_path / "rivals" / "gemm_llama70b_shapes.csv").write_text(LLAMA)
    return tmp_path


def compared(folder: Path) -> dict[tuple[str, str], RivalRow]:
    rows = rival_rows(folder, lambda told: told["latency_s"].to_numpy() * 1.05)
    return {(row.rival, row.bucket): row for row in rows}


def test_errors_are_those_worked_out_by_hand(folder: Path) -> None:
    rows = compared(folder)
    small = rows["llmcompass", "m<=64"]
    assert small.rows == 2
    assert small.ours_mape == pytest.approx(0.05)
    assert small.rival_mape == pytest.approx(0.15)  # 20 % and 10 %
    assert small.roofline_mape == pytest.approx(0.5)
    assert rows["llmcompass", "m>512"].rival_mape == pytest.approx(0.0)
    assert rows["llmcompass", "m>512"].difference_lo == pytest.approx(0.05)


def test_a_shape_of_both_files_counts_once_and_keeps_both_rivals(folder: Path) -> None:
    rows = compared(folder)
    assert rows["llmcompass", "all"].rows == 3
    assert rows["genz", "all"].rows == 1
    assert rows["genz", "all"].rival_mape == pytest.approx(0.4)


def test_intervals_hold_the_mean_and_come_out_the_same_again(folder: Path) -> None:
    first, again = compared(folder)["llmcompass", "all"], compared(folder)["llmcompass", "all"]
    assert first == again
    assert first.rival_lo <= first.rival_mape <= first.rival_hi
    assert first.rival_lo < first.rival_hi


def test_shapes_without_a_measurement_are_left_out_of_the_fit_too(folder: Path) -> None:
    shapes = rival_shapes(folder)
    assert (8192, 28672) in shapes.rows()
    ours = pl.DataFrame({"n": [8192, 8192, 512], "k": [8192, 28672, 8192], "latency_s": [1.0, 2.0, 3.0]})
    assert without_shapes(ours, shapes)["latency_s"].to_list() == [3.0]


def test_missing_and_broken_files_are_told(folder: Path) -> None:
    path = folder / "rivals" / "gemm_llama70b_shapes.csv"
    path.write_text(LLAMA.replace("H100_SXM", "H999"))
    with pytest.raises(UnknownGpu, match="H999"):
        rival_table(folder)
    path.write_text("device,m\nH100_SXM,1\n")
    with pytest.raises(UnreadableTable, match="llama70b"):
        rival_table(folder)
    path.unlink()
    with pytest.raises(NoTables, match="llama70b"):
        rival_table(folder)


def test_the_shared_files_hold_both_gpus_and_both_rivals() -> None:
    shared_path("data/silicon/rivals/README.md")
    table = rival_table(shared_path("data/silicon"))
    assert set(table["chip"]) == {"a100-sxm-80", "h100-sxm"}
    rows = rival_rows(shared_path("data/silicon"), lambda told: told["roofline_s"].to_numpy())
    assert all(np.isclose(row.ours_mape, row.roofline_mape) for row in rows)
    assert {row.rival for row in rows} == {"llmcompass", "genz"}


@pytest.mark.slow
def test_ours_is_better_than_both_rivals_at_small_sizes_and_not_worse_at_large_ones() -> None:
    rows = rival_comparison(shared_path("data/silicon"), load_catalog(), FIRST_CONSTANTS)
    for row in rows:
        if row.bucket in {"m<=64", "m 65-512"}:
            assert row.ours_mape < row.rival_mape, row
        if row.bucket == "m>512":
            assert row.ours_mape <= 0.05 or (row.rival == "llmcompass" and row.difference_lo <= 0.0), row
