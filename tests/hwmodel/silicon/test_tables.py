"""Folders of measured tables: what is read together, and what is refused with its reason."""

from pathlib import Path

import polars as pl
import pytest

from hwmodel.catalog import load_catalog, timed_design_of
from hwmodel.silicon.errors import MeasuredOnCpu, NoTables, UnreadableTable
from hwmodel.silicon.tables import CHIP_OF_GPU, HELD_OUT_CHIPS, read_tables

KEYS = ("dtype", "m", "n", "k")
ROW = {"gpu": "h100_sxm", "backend": "vllm", "kernel": "linear", "dtype": "bfloat16", "m": 1, "n": 64, "k": 32}
GRAPH = {**ROW, "timing": "cuda_graph", "latency_us": 2.0}


def put(path: Path, *rows: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(list(rows)).write_parquet(path)


def test_tables_of_a_gpu_that_somebody_measured_lie_beside_published_ones(tmp_path: Path) -> None:
    put(tmp_path / "kernels_nvidia" / "gemm_h100_sxm.parquet", GRAPH)
    measured = {**GRAPH, "backend": "torch", "device_kind": "cuda", "l2_flushed": False}
    put(tmp_path / "kernels_nvidia" / "gemm_h100_sxm_torch.parquet", measured)
    rows = read_tables(tmp_path, "gemm", KEYS)
    assert rows.select("chip", "backend", "latency_s").rows() == [
        ("h100-sxm", "vllm", 2e-6),
        ("h100-sxm", "torch", 2e-6),
    ]


def test_times_of_a_cpu_are_refused_also_when_they_name_a_gpu(tmp_path: Path) -> None:
    put(tmp_path / "gemm_h100_sxm.parquet", GRAPH)
    put(tmp_path / "gemm_h100_sxm_torch.parquet", {**GRAPH, "device_kind": "cpu"})
    with pytest.raises(MeasuredOnCpu, match=r"gemm_h100_sxm_torch\.parquet: measured on a CPU.*--device cuda"):
        read_tables(tmp_path, "gemm", KEYS)


def test_a_table_without_a_column_says_which(tmp_path: Path) -> None:
    put(tmp_path / "gemm_h100_sxm.parquet", {name: value for name, value in GRAPH.items() if name != "n"})
    with pytest.raises(UnreadableTable, match=r"gemm_h100_sxm\.parquet: .*n"):
        read_tables(tmp_path, "gemm", KEYS)


def test_an_empty_folder_has_no_tables(tmp_path: Path) -> None:
    with pytest.raises(NoTables, match="gemm_GPU"):
        read_tables(tmp_path, "gemm", KEYS)


def test_every_gpu_of_the_tables_is_a_chip_that_can_be_timed() -> None:
    catalog = load_catalog()
    chips = list(CHIP_OF_GPU.values())
    assert len(set(chips)) == len(chips)
    assert [timed_design_of(catalog.chip(name)).name for name in chips] == chips
    assert set(chips) > HELD_OUT_CHIPS
