"""Measured tables: what a machine's times look like to the calibration, and what happens to kernels that it lacks."""

from pathlib import Path

import polars as pl
import pytest

from hwmodel.catalog import load_catalog
from hwmodel.silicon.errors import MeasuredOnCpu
from hwmodel.silicon.families import DECODE, GEMM, PREFILL
from hwmodel.silicon.family import Family
from hwmodel.silicon.truth import truth_of
from pipelines.errors import BadInput
from pipelines.measure import FAMILIES, Plan, measure_to
from pipelines.measure.grid import KEYS, TRIAL, grid
from pipelines.measure.machine import Row
from pipelines.measure.tables import measure
from tests.pipelines.measure.machines import LawfulMachine

PLAN = Plan(warm_up_runs=0, least_runs=3, most_runs=3, calls_count=4)


def quiet(_: str) -> None:
    """Hears nothing."""


def slow_at_first(family: str, row: Row) -> float:
    return 1e-3 * (2.0 if row["kernel"] == "first" else 1.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_kernel_of_the_grid_is_timed_in_microseconds_by_each_implementation(family: str) -> None:
    machine = LawfulMachine(law_s=slow_at_first)
    rows = measure(machine, family, TRIAL, PLAN, told=quiet).rows
    shapes = grid(family, TRIAL, machine.dtypes, machine.memory_bytes)
    for kernel, expected_us in (("first", 2020.0), ("second", 1010.0)):
        mine = rows.filter(pl.col("kernel") == kernel)
        assert mine.select(KEYS[family]).equals(shapes)
        assert mine["latency_us"].to_list() == pytest.approx([expected_us] * len(shapes))


def test_how_it_was_measured_stands_beside_each_time() -> None:
    flushed = Plan(is_flushed=True, warm_up_runs=0, least_runs=3, most_runs=3)
    row = measure(LawfulMachine(), "gemm", TRIAL, flushed, told=quiet).rows.row(0, named=True)
    told = {"gpu": "h100_sxm", "backend": "torch", "backend_version": "9.9", "timing": "cuda_graph"}
    how = {"runs_count": 3, "calls_per_run": 1, "l2_flushed": True, "device_kind": "cuda"}
    assert {name: row[name] for name in (*told, *how)} == {**told, **how}
    assert row["p10_us"] < row["latency_us"] < row["p90_us"]


@pytest.mark.parametrize("family", [GEMM, PREFILL, DECODE], ids=lambda family: family.name)
def test_a_calibration_takes_the_tables_as_truth(family: Family, tmp_path: Path) -> None:
    machine = LawfulMachine(law_s=slow_at_first)
    measure_to(tmp_path, machine, ["gemm", "attn_prefill", "attn_decode"], TRIAL, PLAN, told=quiet)
    truth = truth_of(family, tmp_path, load_catalog())
    assert set(truth.chips) == {"h100-sxm"}
    assert truth.best["latency_s"].to_list() == pytest.approx([1.01e-3] * len(truth.best))
    assert set(truth.own["kernel"]) == {"first", "second"}


def test_a_calibration_refuses_what_a_cpu_did(tmp_path: Path) -> None:
    machine = LawfulMachine(gpu="cpu", device_kind="cpu", timing="eager")
    (path,) = measure_to(tmp_path, machine, ["gemm"], TRIAL, PLAN, told=quiet)
    assert path.name == "gemm_cpu_torch.parquet"
    assert set(pl.read_parquet(path)["device_kind"]) == {"cpu"}
    with pytest.raises(MeasuredOnCpu):
        truth_of(GEMM, tmp_path, load_catalog())


def test_kernels_that_the_machine_lacks_are_left_out_and_counted(tmp_path: Path) -> None:
    heard: list[str] = []
    machine = LawfulMachine(refused="second")
    (path,) = measure_to(tmp_path, machine, ["gemm"], TRIAL, PLAN, told=heard.append)
    rows = pl.read_parquet(path)
    assert set(rows["kernel"]) == {"first"}
    first = "second of {'dtype': 'bfloat16', 'm': 1, 'n': 64, 'k': 64}: this one is not built in"
    assert heard == [f"gemm: {len(rows)} kernels in {path}, {len(rows)} not offered: {first}"]


def test_a_machine_without_any_kernel_of_a_family_is_told_why(tmp_path: Path) -> None:
    machine = LawfulMachine(refused="first", offered=("first",))
    with pytest.raises(BadInput, match=r"h100_sxm offers no kernel of gemm: .*this one is not built in"):
        measure_to(tmp_path, machine, ["gemm"], TRIAL, PLAN, told=quiet)
    with pytest.raises(BadInput, match="none fits into its memory"):
        measure_to(tmp_path, LawfulMachine(memory_bytes=1), ["gemm"], TRIAL, PLAN, told=quiet)
