"""Models of serving stacks in a folder: what is read predicts as what was written; what is not there is none."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hwmodel.catalog import load_catalog
from hwmodel.silicon.calibration import Calibration, load, save
from hwmodel.silicon.errors import NoCalibration
from hwmodel.silicon.predict import Request, predict
from hwmodel.silicon.stack_files import load_stacks, save_stacks
from tests.hwmodel.silicon.planted import SMALL, calibrated, products

ASKED = products(("h100-sxm",), 30, seed=9).drop("chip", "bucket").with_columns(backend=pl.lit("other"))


def answers(calibration: Calibration, chip: str) -> pl.DataFrame:
    return predict(Request(chip=chip, rows=ASKED), load_catalog(), calibration)


@pytest.mark.parametrize("chip", ["h100-sxm", "b300-sxm"])
def test_stacks_that_were_written_and_read_predict_the_same(tmp_path: Path, chip: str) -> None:
    fitted = calibrated()[0]
    save(fitted, tmp_path)
    assert answers(load(tmp_path), chip).equals(answers(fitted, chip))


def test_a_calibration_without_stacks_leaves_none_of_an_older_one(tmp_path: Path) -> None:
    fitted = calibrated()[0]
    save(fitted, tmp_path)
    assert load_stacks(SMALL, tmp_path) is not None
    save(replace(fitted, families={"gemm": replace(fitted.of("gemm"), stacks=None)}), tmp_path)
    assert load_stacks(SMALL, tmp_path) is None
    assert load(tmp_path).of("gemm").stacks is None


@pytest.mark.parametrize("name", ["stacks_gemm.npz", "stacks_gemm.parquet"])
def test_files_that_are_cut_short_or_gone_say_so(tmp_path: Path, name: str) -> None:
    stacks = calibrated()[0].of("gemm").stacks
    save(calibrated()[0], tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:200])
    with pytest.raises(NoCalibration, match="run `scoville calibrate`"):
        load(tmp_path)
    save_stacks(SMALL, stacks, tmp_path)
    (tmp_path / "stacks_gemm.parquet").unlink()
    with pytest.raises(NoCalibration, match="run `scoville calibrate`"):
        load(tmp_path)
