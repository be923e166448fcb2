"""A calibration in a folder: what is read predicts as what was written; what cannot be read says so."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hwmodel.catalog import load_catalog
from hwmodel.silicon.calibration import FACTS, Calibration, load, save
from hwmodel.silicon.errors import NoCalibration
from hwmodel.silicon.evidence import Widths
from hwmodel.silicon.predict import Request, predict
from hwmodel.silicon.sample import KEPT_PER_CHIP, load_sample, save_sample
from tests.hwmodel.silicon.planted import CHIPS, PLANTED, SMALL, calibrated, products, truth

ASKED = products(("h100-sxm",), 30, seed=9).drop("chip", "bucket")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(calibrated()[0], tmp_path / "new" / "one")
    return tmp_path / "new" / "one"


def answers(calibration: Calibration, chip: str) -> pl.DataFrame:
    return predict(Request(chip=chip, rows=ASKED), load_catalog(), calibration)


def test_a_calibration_finds_the_planted_constants_and_says_what_was_measured() -> None:
    fitted, _ = calibrated()
    for one in SMALL.fitted:
        assert getattr(fitted.constants, one.name) == pytest.approx(getattr(PLANTED, one.name), rel=0.03)
    assert fitted.of("gemm").chips == CHIPS
    assert fitted.of("gemm").widths.unseen_factor > 1.0


@pytest.mark.parametrize("chip", ["h100-sxm", "b300-sxm"])
def test_a_calibration_that_was_written_and_read_predicts_the_same(folder: Path, chip: str) -> None:
    fitted, _ = calibrated()
    read = load(folder)
    assert read.constants == fitted.constants
    assert read.source == "planted"
    assert answers(read, chip).equals(answers(fitted, chip))


def test_writing_again_replaces_the_older_one(folder: Path) -> None:
    fitted, _ = calibrated()
    slower = replace(fitted.constants, hbm_ratio=0.5)
    save(replace(fitted, constants=slower, source="later"), folder)
    assert load(folder).source == "later"
    assert load(folder).constants.hbm_ratio == 0.5


def test_a_calibration_without_one_width_of_a_measured_chip_can_be_read_and_takes_the_wide_one(tmp_path: Path) -> None:
    fitted, _ = calibrated()
    one = fitted.of("gemm")
    bare = replace(one, widths=Widths(seen=one.widths.seen.clear(), unseen_factor=1.25))
    save(replace(fitted, families={"gemm": bare}), tmp_path)
    told = answers(load(tmp_path), "h100-sxm")
    assert (told["latency_hi_s"] / told["latency_s"]).to_list() == pytest.approx([1.25] * len(told))


def without_a_constant(folder: Path) -> None:
    facts = json.loads((folder / FACTS).read_text())
    facts["constants"]["no_such_constant"] = 1.0
    (folder / FACTS).write_text(json.dumps(facts))


def impossible_constant(folder: Path) -> None:
    facts = json.loads((folder / FACTS).read_text())
    facts["constants"]["hbm_ratio"] = 7.0
    (folder / FACTS).write_text(json.dumps(facts))


def unknown_family(folder: Path) -> None:
    facts = json.loads((folder / FACTS).read_text())
    facts["families"]["fft"] = facts["families"]["gemm"]
    (folder / FACTS).write_text(json.dumps(facts))


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / FACTS).unlink(),
        lambda folder: (folder / FACTS).write_text("{"),
        lambda folder: (folder / FACTS).write_text("[]"),
        lambda folder: (folder / "gemm.npz").unlink(),
        lambda folder: (folder / "gemm.npz").write_bytes(b"PK\x03\x04 cut short"),
        lambda folder: (folder / "gemm.npz").write_bytes((folder / "gemm.npz").read_bytes()[:2000]),
        without_a_constant,
        impossible_constant,
        unknown_family,
    ],
    ids=["no facts", "no JSON", "a list", "no trees", "no archive", "cut", "other version", "bad constant", "family"],
)
def test_a_folder_that_cannot_be_read_says_so_with_the_way_out(folder: Path, harm: object) -> None:
    assert callable(harm)
    harm(folder)
    with pytest.raises(NoCalibration, match="run `scoville calibrate`"):
        load(folder)


def test_a_family_that_was_not_fitted_says_so() -> None:
    with pytest.raises(NoCalibration, match=r"family 'moe'; there is one of gemm"):
        calibrated()[0].of("moe")


def test_a_kept_sample_is_the_truth_again(tmp_path: Path) -> None:
    _, measured = calibrated()
    save_sample(SMALL, measured, tmp_path)
    read = load_sample(SMALL, tmp_path, load_catalog())
    assert read.chips == measured.chips
    assert read.best.drop("latency_s").equals(measured.best.select(read.best.columns).drop("latency_s"))
    assert read.best["latency_s"].to_list() == pytest.approx(measured.best["latency_s"].to_list(), rel=1e-6)
    assert read.best["latency_s"].dtype == pl.Float64


def test_a_sample_keeps_so_many_rows_of_each_chip(tmp_path: Path) -> None:
    many = pl.concat([products(("h100-sxm",), 1)] * (KEPT_PER_CHIP + 5)).with_columns(latency_s=pl.lit(1e-3))
    save_sample(SMALL, truth(pl.concat([many, many.head(3).with_columns(chip=pl.lit("l40s"))])), tmp_path)
    read = load_sample(SMALL, tmp_path, load_catalog())
    assert dict(read.best["chip"].value_counts().iter_rows()) == {"h100-sxm": KEPT_PER_CHIP, "l40s": 3}


def test_a_sample_that_was_not_kept_or_is_broken_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoCalibration, match="no measured sample of gemm"):
        load_sample(SMALL, tmp_path, load_catalog())
    (tmp_path / "sample_gemm.parquet").write_bytes(b"not parquet")
    with pytest.raises(NoCalibration, match="no measured sample of gemm"):
        load_sample(SMALL, tmp_path, load_catalog())
