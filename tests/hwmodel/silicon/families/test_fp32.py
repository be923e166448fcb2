"""FP32 products: what is read of NeuSight's table, what is asked of a chip, what is refused."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hwmodel.catalog import ChipDesign, load_catalog, timed_design_of
from hwmodel.silicon.calls import CallSheet
from hwmodel.silicon.errors import NoTables, UnknownGpu, UnreadableTable
from hwmodel.silicon.families.fp32 import FP32, PRIOR, chip_of

ROWS = pl.DataFrame(
    {
        "op": ["bmm", "linear", "linear", "bmm", "bmm"],
        "latency_ms": [2.0, 3.0, 4.0, 5.0, 6.0],
        "device": ["Tesla T4", "NVIDIA A100-PCIE-40GB", "Tesla P4", "Tesla T4", "AMD Instinct MI100"],
        "kernel": ["a", "b", "c", "d", "e"],
        "b": [8, 1, 1, 8, 8],
        "m": [100, 200, 200, 100, 100],
        "n": [300, 400, 400, 300, 300],
        "k": [50, 60, 60, 50, 50],
        "split": ["train", "train", "train", "test", "train"],
        "vendor": ["nvidia", "nvidia", "nvidia", "nvidia", "amd"],
    }
)


def chip(name: str) -> ChipDesign:
    return timed_design_of(load_catalog().chip(name), allow_estimates=True)


def products(names: list[str], b: int, m: int, n: int, k: int) -> pl.DataFrame:
    size = len(names)
    shape = {"b": [b] * size, "m": [m] * size, "n": [n] * size, "k": [k] * size}
    return pl.DataFrame({"chip": names, "dtype": ["fp32"] * size, "op": ["bmm"] * size, **shape})


def test_training_rows_of_nvidia_are_read_with_the_reduction_as_k_and_slowed_linears_left_out(tmp_path: Path) -> None:
    ROWS.write_parquet(tmp_path / "ops_matmul.parquet")
    rows = FP32.read(tmp_path)
    assert rows["chip"].to_list() == ["t4", "a100-pcie-40"]
    assert rows.select("b", "m", "n", "k").row(0) == (8, 100, 50, 300)
    assert rows["latency_s"].to_list() == pytest.approx([2e-3, 3e-3])


def test_missing_and_broken_tables_and_unknown_gpus_are_told(tmp_path: Path) -> None:
    with pytest.raises(NoTables, match="ops_matmul"):
        FP32.read(tmp_path)
    ROWS.drop("latency_ms").write_parquet(tmp_path / "ops_matmul.parquet")
    with pytest.raises(UnreadableTable, match="latency_ms"):
        FP32.read(tmp_path)
    with pytest.raises(UnknownGpu, match="Tesla K80"):
        chip_of(pl.Series(["Tesla_K80"]))
    assert chip_of(pl.Series(["NVIDIA_H100_80GB_HBM3"])).to_list() == ["h100-sxm"]


def test_the_bound_is_the_work_over_the_peak_of_the_vector_lanes() -> None:
    rows = products(["v100"], 1, 8192, 8192, 8192)
    physics = CallSheet(rows, FP32.calls(rows), {"v100": chip("v100")}).physics(PRIOR)
    peak = 80 * 128 * 1.38e9  # SMs, FLOP per clock of 64 lanes, clock
    assert physics.bound_s[0] == pytest.approx(2.0 * 8192.0**3 / peak)
    assert physics.bound_s[0] < physics.latency_s[0] < 1.5 * physics.bound_s[0]


def test_a_chip_of_70_watts_takes_longer_than_its_sheet_for_long_work_and_not_for_short_work() -> None:
    chips = {"t4": chip("t4")}
    ratios = []
    for size in (128, 8192):
        rows = products(["t4"], 1, size, size, size)
        free = CallSheet(rows, FP32.calls(rows), {"t4": _unlimited(chips["t4"])}).latency_s(PRIOR)
        ratios.append(float((CallSheet(rows, FP32.calls(rows), chips).latency_s(PRIOR) / free)[0]))
    assert ratios[0] == pytest.approx(1.0, abs=0.05)
    assert ratios[1] > 1.3


def test_batches_cost_as_much_as_their_products_where_they_fill_the_chip() -> None:
    chips = {"v100": chip("v100")}
    one, four = (
        CallSheet(rows, FP32.calls(rows), chips).latency_s(PRIOR)[0]
        for rows in (products(["v100"], b, 4096, 4096, 512) for b in (1, 4))
    )
    assert 3.5 * (one - PRIOR.launch_s) < four < 4.1 * one


def test_other_formats_and_operations_are_refused() -> None:
    rows = products(["t4", "t4", "t4"], 1, 8, 8, 8).with_columns(
        dtype=pl.Series(["fp32", "bf16", "fp32"]), op=pl.Series(["bmm", "bmm", "conv"])
    )
    first, second, third = FP32.refusal(rows, chip("t4"))
    assert first is None
    assert "bf16" in second
    assert "conv" in third


def _unlimited(design: ChipDesign) -> ChipDesign:
    return replace(design, tdp_w=1e6)
