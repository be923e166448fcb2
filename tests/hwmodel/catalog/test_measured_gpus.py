"""GPUs that public tables measured: cores, clocks and buses give the published peaks; what is no design is still timed."""

import numpy as np
import polars as pl
import pytest

from hwmodel.catalog import (
    DESIGN_NODES,
    CatalogError,
    DesignTable,
    MissingSpec,
    Purpose,
    design_of,
    load_catalog,
    timed_design_of,
)
from hwmodel.physical import area_constants, cost_constants, energy_constants
from hwmodel.timing import time_kernels
from tests.hwmodel.timing.batches import batch_of
from tests.shared_data import shared_path
from warehouse.contracts.vocabulary import EvidenceKind

CATALOG = load_catalog()
DENSE_16_BIT = {
    # dense bf16 TFLOP/s of the data sheet (fp16 of T4, V100 and P100; fp32 of P4, which has nothing faster at 16 bit)
    "l40s": 362.05, "rtx-4090": 165.2, "rtx-pro-6000": 467.8, "a40": 149.7, "rtx-a6000": 154.8, "rtx-6000-ada": 364.2,
    "l20": 119.5, "l40": 181.05, "h20": 148.0, "h800": 989.0, "a800": 312.0, "l4": 121.0, "t4": 65.0, "v100": 112.0,
    "p100": 18.7, "p4": 5.7,
}  # fmt: skip
BUS = {
    # bus width in bit, Gbit/s per pin, width of one stack or channel
    "l40s": (384, 18.0, 32), "rtx-4090": (384, 21.0, 32), "rtx-pro-6000": (512, 28.0, 32), "a40": (384, 14.5, 32),
    "rtx-a6000": (384, 16.0, 32), "rtx-6000-ada": (384, 20.0, 32), "l20": (384, 18.0, 32), "l40": (384, 18.0, 32),
    "h20": (6144, 5.238, 1024), "h800": (5120, 5.238, 1024), "a800": (5120, 3.186, 1024), "l4": (192, 12.5, 32),
    "t4": (256, 10.0, 32), "v100": (4096, 1.752, 1024), "p100": (4096, 1.43, 1024), "p4": (256, 6.0, 32),
}  # fmt: skip
DESIGNS = {"h20", "h800", "a800"}
PIPEWEAVE = {
    "A40": "a40", "H20": "h20", "H800": "h800", "L20": "l20", "L40": "l40", "RTX 6000 Ada": "rtx-6000-ada",
    "RTX A6000": "rtx-a6000", "RTX PRO 6000 S": "rtx-pro-6000",
}  # fmt: skip
NEUSIGHT = {
    "NVIDIA L4": "l4", "Tesla T4": "t4", "Tesla V100-PCIE-32GB": "v100", "Tesla P100-PCIE-16GB": "p100",
    "Tesla P4": "p4",
}  # fmt: skip
GEMM_TABLES = {
    "a100_sxm": "a100-sxm-80",
    "h100_sxm": "h100-sxm",
    "h200_sxm": "h200-sxm",
    "b200_sxm": "b200-sxm",
    "l40s": "l40s",
}


@pytest.mark.parametrize(("chip", "sheet_tflops"), DENSE_16_BIT.items())
def test_cores_times_rate_times_clock_is_the_peak_of_the_sheet(chip: str, sheet_tflops: float) -> None:
    design = timed_design_of(CATALOG.chip(chip))
    peak = design.cores_count * design.matrix_flop_per_clk * design.clock_hz
    assert peak == pytest.approx(sheet_tflops * 1e12, rel=0.02)


@pytest.mark.parametrize(("chip", "bus"), BUS.items())
def test_bus_width_times_pin_rate_is_the_memory_bandwidth(chip: str, bus: tuple[int, float, int]) -> None:
    width_bits, pin_gbit_per_s, unit_bits = bus
    spec, design = CATALOG.chip(chip), timed_design_of(CATALOG.chip(chip))
    assert spec.require("memory_bytes_per_s") == pytest.approx(width_bits * pin_gbit_per_s / 8 * 1e9, rel=0.01)
    assert design.hbm_stacks_count == width_bits / unit_bits
    assert design.hbm_bytes_per_s == pytest.approx(spec.require("memory_bytes_per_s"))
    assert design.hbm_bytes == pytest.approx(spec.require("memory_bytes"))


@pytest.mark.parametrize("chip", [chip for chip in DENSE_16_BIT if chip not in {"h20", "h800"}])  # sheet: 1,980 MHz up
def test_vector_lanes_times_clock_are_the_fp32_peak(chip: str) -> None:
    design = timed_design_of(CATALOG.chip(chip))
    peak = design.cores_count * design.vector_flop_per_clk * design.clock_hz
    assert peak == pytest.approx(CATALOG.chip(chip).require("fp32_flop_per_s"), rel=0.03)


@pytest.mark.parametrize("chip", DENSE_16_BIT)
@pytest.mark.parametrize("dtype", ["fp8", "fp4", "int8"])
def test_narrow_formats_run_at_their_published_rate_or_are_absent(chip: str, dtype: str) -> None:
    spec, design = CATALOG.chip(chip), timed_design_of(CATALOG.chip(chip))
    published = spec.fact(f"{dtype}_flop_per_s").value
    assert (published is None) is (dtype in spec.absent_dtypes)
    peak = design.cores_count * design.matrix_flop_per_clk * design.clock_hz * getattr(design, f"{dtype}_rate_ratio")
    assert peak == pytest.approx(published or 0.0, rel=0.04)


@pytest.mark.parametrize("chip", DENSE_16_BIT)
def test_a_chip_is_a_design_only_with_stacked_memory_bf16_and_a_known_process(chip: str) -> None:
    spec = CATALOG.chip(chip)
    if chip in DESIGNS:
        assert design_of(spec) == timed_design_of(spec)
        return
    with pytest.raises(MissingSpec, match="its kernels can be timed") as caught:
        design_of(spec)
    message = str(caught.value)
    assert ("memory_type: GDDR" in message) is not (spec.memory_type or "").startswith("HBM")
    assert ("bf16 is not built in" in message) is (chip in {"t4", "v100", "p100", "p4"})
    assert (f"node: {spec.node}" in message) is (spec.node not in DESIGN_NODES)


def test_the_chip_model_times_matrix_products_on_every_one_of_them() -> None:
    m, n, k = np.array([1.0, 64.0, 4096.0]), np.full(3, 4096.0), np.full(3, 8192.0)
    work = {"work_flop": 2.0 * m * n * k, "weight_bytes": 2.0 * n * k, "activation_bytes": 2.0 * m * (n + k)}
    kernels = batch_of("gemm", 3, m=m, n=n, k=k, **work)
    ids = ["h100-sxm", *DENSE_16_BIT]
    times = time_kernels(DesignTable.of([timed_design_of(CATALOG.chip(chip)) for chip in ids]), kernels)
    assert np.all(np.isfinite(times.latency_s))
    assert np.all(times.latency_s >= times.bound_s)
    by_chip = dict(zip(ids, times.latency_s, strict=True))
    assert by_chip["h800"] == pytest.approx(by_chip["h100-sxm"], rel=0.01)
    assert np.all(by_chip["l4"] > by_chip["l40s"])
    assert by_chip["h20"][0] < by_chip["h100-sxm"][0]  # one row of activations: memory bandwidth alone
    assert by_chip["h20"][2] > 4.0 * by_chip["h100-sxm"][2]


def test_a_refused_chip_is_sent_to_chips_that_are_designs() -> None:
    with pytest.raises(MissingSpec) as caught:
        design_of(CATALOG.chip("l40s"))
    offered = str(caught.value).split("take one of ")[1].split(" (")[0].split(", ")
    assert {"h100-sxm", "h20", "mi300x"} <= set(offered)
    assert [design_of(CATALOG.chip(chip)).name for chip in offered] == offered


def test_a_design_is_timed_as_itself_and_a_chip_with_gaps_is_not_timed() -> None:
    for spec in CATALOG.chips.values():
        try:
            design = design_of(spec, allow_estimates=True)
        except CatalogError:
            continue
        assert timed_design_of(spec, allow_estimates=True) == design
    with pytest.raises(MissingSpec, match=r"chip tpu-v5e cannot be timed: .*no microarchitecture"):
        timed_design_of(CATALOG.chip("tpu-v5e"))


def test_design_nodes_are_those_whose_area_energy_and_cost_are_known() -> None:
    assert set(area_constants.DENSITY_PER_M2) == DESIGN_NODES
    assert set(energy_constants.ENERGY_RATIO) == DESIGN_NODES
    assert set(cost_constants.WAFER_USD) == DESIGN_NODES


def test_reports_about_fleets_list_only_the_cards_that_serve_today() -> None:
    fleet = {chip for chip in DENSE_16_BIT if CATALOG.chip(chip).purpose is Purpose.FLEET}
    assert fleet == {"l40s", "l4", "h20", "rtx-pro-6000"}
    others = [spec for spec in CATALOG.chips.values() if spec.id not in DENSE_16_BIT]
    assert {spec.purpose for spec in others} == {Purpose.FLEET}
    assert len(others) + len(DENSE_16_BIT) == len(CATALOG.chips)


def test_power_holds_the_clock_under_the_sheet_and_most_on_the_smallest_cards() -> None:
    held = {
        spec.id: spec.require("sustained_clock_hz") / design.clock_hz
        for spec in CATALOG.chips.values()
        if spec.fact("sustained_clock_hz").value is not None
        for design in [timed_design_of(spec)]
    }
    assert len(held) == 11
    assert all(0.3 < ratio < 1.0 for ratio in held.values())
    assert sorted(held, key=held.__getitem__)[:2] == ["l4", "t4"]
    assert CATALOG.chip("l4").require("tdp_w") == 72.0


def test_a_rate_that_stands_in_for_bf16_is_told_by_the_absent_formats() -> None:
    lacking = {spec.id for spec in CATALOG.chips.values() if "bf16" in spec.absent_dtypes}
    assert lacking == {"t4", "v100", "p100", "p4"}
    assert {chip for chip in lacking if "fp16" in CATALOG.chip(chip).absent_dtypes} == {"p4"}
    for chip in lacking:
        assert CATALOG.chip(chip).fact("bf16_flop_per_s").value is None


def test_the_table_of_pipeweave_agrees_with_the_catalogue() -> None:
    table = pl.read_parquet(shared_path("data/silicon/serving_pipeweave/hardware.parquet"))
    rows = [row for row in table.iter_rows(named=True) if row["name"] in PIPEWEAVE]
    assert len(rows) == len(PIPEWEAVE)
    for row in rows:
        spec, design = CATALOG.chip(PIPEWEAVE[row["name"]]), timed_design_of(CATALOG.chip(PIPEWEAVE[row["name"]]))
        assert design.cores_count == row["numSms"]
        assert design.matrix_flop_per_clk == pytest.approx(row["tcBf16"], rel=0.01)
        assert design.vector_flop_per_clk == 2 * row["FmaFp32"]
        assert design.l2_bytes == row["l2CacheSize"] * 1024
        assert spec.require("memory_bytes_per_s") == pytest.approx(row["memBandwidth"] * 1e9, rel=0.01)
        assert design.clock_hz == pytest.approx(row["smFreq"] * 1e6, rel=0.04)
        if spec.facts["l2_bytes_per_clk"].kind is EvidenceKind.PUBLISHED:
            assert design.l2_bytes_per_clk == pytest.approx(row["l2CacheBandwidth"] * 1e3 / row["smFreq"], abs=1.0)


def test_the_table_of_neusight_agrees_but_for_its_known_oddities() -> None:
    table = pl.read_parquet(shared_path("data/silicon/kernels_neusight/devices.parquet"))
    rows = {NEUSIGHT[row["device"]]: row for row in table.iter_rows(named=True) if row["device"] in NEUSIGHT}
    for chip, row in rows.items():
        spec, design = CATALOG.chip(chip), timed_design_of(CATALOG.chip(chip))
        lanes = design.cores_count * design.vector_flop_per_clk / 2
        assert lanes == row["num_sm"] * row["core_per_sm"] * (58 / 60 if chip == "l4" else 1)
        assert design.l2_bytes == row["l2_mb"] * 2**20
        assert spec.require("memory_bytes_per_s") == pytest.approx(row["mem_bw_gbs"] * 1e9)
    assert (rows["p4"]["num_sm"], timed_design_of(CATALOG.chip("p4")).cores_count) == (40, 20)


def test_cores_are_what_the_grids_of_measured_kernels_say() -> None:
    kernels = pl.scan_parquet(shared_path("data/silicon/kernels_neusight/ops_matmul.parquet"))
    grid = pl.col("grid_x").cast(pl.Float64) * pl.col("grid_y") * pl.col("grid_z")
    large = kernels.filter(pl.col("blocks_per_sm") > 5.0)
    cores = large.group_by(pl.col("device").cast(pl.String)).agg((grid / pl.col("blocks_per_sm")).median()).collect()
    counted = {NEUSIGHT[device]: round(count) for device, count in cores.iter_rows() if device in NEUSIGHT}
    assert counted == {chip: CATALOG.chip(chip).require("cores_count") for chip in NEUSIGHT.values()}


@pytest.mark.slow
def test_sustained_clocks_are_what_the_fastest_long_kernels_imply() -> None:
    matmuls = pl.scan_parquet(shared_path("data/silicon/kernels_neusight/ops_matmul.parquet"))
    work = pl.lit(2.0) * pl.col("b").cast(pl.Float64) * pl.col("m") * pl.col("n") * pl.col("k")
    best = (
        matmuls.filter(pl.col("latency_ms") >= 50.0)
        .group_by(pl.col("device").cast(pl.String))
        .agg((work / pl.col("latency_ms") * 1e3).max().alias("flop_per_s"))
        .collect()
    )
    for device, flop_per_s in best.iter_rows():
        if device in NEUSIGHT:
            design = timed_design_of(CATALOG.chip(NEUSIGHT[device]))
            implied_hz = flop_per_s / design.cores_count / design.vector_flop_per_clk
            assert CATALOG.chip(NEUSIGHT[device]).require("sustained_clock_hz") == pytest.approx(implied_hz, abs=1.1e6)
    for table, chip in GEMM_TABLES.items():
        path = shared_path(f"data/silicon/kernels_nvidia/gemm_{table}.parquet")
        graph = (pl.col("timing") == "cuda_graph") & (pl.col("dtype") == "bfloat16") & (pl.col("latency_us") >= 5e3)
        flop = pl.lit(2.0) * pl.col("m").cast(pl.Float64) * pl.col("n") * pl.col("k")
        rows = pl.scan_parquet(path).filter(graph).select((flop / pl.col("latency_us") * 1e6).max())
        design = timed_design_of(CATALOG.chip(chip))
        implied_hz = rows.collect().item() / design.cores_count / design.matrix_flop_per_clk
        assert CATALOG.chip(chip).require("sustained_clock_hz") == pytest.approx(implied_hz, abs=1.1e6)
