"""`scoville measure` and what `scoville calibrate` makes of its tables, as they are typed."""

import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.cli import app, kernels
from pipelines.cli.exits import BAD_INPUT, OK
from tests.pipelines.measure.torch_stand_in import install, stand_in


def refusal(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == BAD_INPUT, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.mark.parametrize("families", ["gemm,moe", ""])
def test_a_family_that_cannot_be_measured_is_told_with_those_that_can(tmp_path: Path, families: str) -> None:
    told = refusal("measure", "--out", str(tmp_path), "--families", families)
    assert repr(families) in told
    assert "gemm, attn_prefill, attn_decode, quantise" in told


def test_without_torch_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "install scoville[measure]" in refusal("measure", "--out", str(tmp_path), "--device", "cpu")


def test_a_gpu_is_measured_into_a_table_per_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.measure.grid.SERVING", sys.modules["pipelines.measure.grid"].TRIAL)
    install(monkeypatch, stand_in(capability=(8, 0)))
    arguments = ["measure", "--out", str(tmp_path), "--families", "attn_decode, gemm", "--flush-cache"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == OK, result.output
    assert {path.name for path in tmp_path.iterdir()} == {
        "attn_decode_h100_sxm_torch.parquet",
        "gemm_h100_sxm_torch.parquet",
    }
    assert pl.read_parquet(tmp_path / "gemm_h100_sxm_torch.parquet")["l2_flushed"].all()


def test_a_calibration_refuses_tables_of_a_cpu_in_one_line(tmp_path: Path) -> None:
    row = {"gpu": "cpu", "backend": "torch", "kernel": "eager", "dtype": "bfloat16", "m": 1, "n": 64, "k": 64}
    told = {"timing": "eager", "latency_us": 1.0, "device_kind": "cpu"}
    pl.DataFrame([{**row, **told}]).write_parquet(tmp_path / "gemm_cpu_torch.parquet")
    line = refusal("calibrate", "--data", str(tmp_path), "--out", str(tmp_path / "fitted"))
    assert "gemm_cpu_torch.parquet: measured on a CPU" in line
    assert not (tmp_path / "fitted").exists()


def test_a_calibration_without_tables_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "PACKAGE", "a_package_that_nobody_has")
    assert "install scoville[silicon], or name a folder with --data" in refusal("calibrate")


def test_the_package_is_found_as_a_folder_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "packaged_tables" / "systems" / "data").mkdir(parents=True)
    (tmp_path / "packaged_tables" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(kernels, "PACKAGE", "packaged_tables")
    line = refusal("calibrate", "--out", str(tmp_path / "fitted"))
    assert "no table of gemm; aiconfigurator-core 0.12.0 has gemm, attn_prefill" in line
    assert "packaged_tables" not in sys.modules
