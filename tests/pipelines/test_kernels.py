"""`scoville kernels`, `calibrate` and the benchmarks on measured tables: files in, files out, mistakes in one line."""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner, Result

from hwmodel.catalog import load_catalog
from hwmodel.silicon.calibration import save
from hwmodel.silicon.predict import ADDED, Request, predict
from hwmodel.silicon.sample import save_sample
from pipelines.cli import app
from pipelines.cli.exits import BAD_INPUT, OK
from pipelines.kernels import Asked, calibrate_to, predict_file
from tests.hwmodel.silicon.planted import (
    CHIPS,
    SMALL,
    calibrated,
    make_fits_small,
    mean_error,
    products,
    timed,
    write_tables,
)

ROWS = products(("h100-sxm",), 20, seed=9).drop("chip", "bucket")


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch, threadpool_limits(limits=1):
        make_fits_small(monkeypatch)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A calibration with its sample, as `scoville calibrate` leaves it."""
    home = tmp_path_factory.mktemp("calibration")
    fitted, measured = calibrated()
    save(fitted, home)
    save_sample(SMALL, measured, home)
    return home


@pytest.fixture
def source(tmp_path: Path) -> Path:
    ROWS.write_csv(tmp_path / "kernels.csv")
    return tmp_path / "kernels.csv"


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def refusal(*arguments: str | Path) -> str:
    """The one line of an expected error."""
    result = call(*arguments)
    assert result.exit_code == BAD_INPUT, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


def ask(source: Path, target: Path, folder: Path, *more: str, chip: str = "h100-sxm") -> tuple[str | Path, ...]:
    return ("kernels", "predict", "--chip", chip, "--in", source, "--out", target, "--calibration", folder, *more)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_of_kernels_gets_its_times(tmp_path: Path, folder: Path, source: Path, kind: str) -> None:
    target = tmp_path / f"times.{kind}"
    result = call(*ask(source, target, folder))
    assert result.exit_code == OK, result.output
    assert f"20 of 20 kernels timed on h100-sxm: {target}" in result.stdout
    found = pl.read_csv(target) if kind == "csv" else pl.read_parquet(target)
    assert found.columns == [*ROWS.columns, *ADDED]
    wanted = predict(Request(chip="h100-sxm", rows=ROWS), load_catalog(), calibrated()[0])
    assert found["latency_s"].to_list() == pytest.approx(wanted["latency_s"].to_list())


def test_categories_of_a_parquet_file_are_words(tmp_path: Path, folder: Path) -> None:
    ROWS.with_columns(pl.col("dtype").cast(pl.Categorical)).write_parquet(tmp_path / "in.parquet")
    found = predict_file(
        Asked(chip="b300-sxm", source=tmp_path / "in.parquet", target=tmp_path / "out.csv"), calibration=folder
    )
    assert found["latency_s"].null_count() == 0


def test_rows_that_cannot_be_timed_are_counted_by_reason(tmp_path: Path, folder: Path) -> None:
    mixed = pl.concat([ROWS, ROWS.head(3).with_columns(dtype=pl.lit("fp7"))])
    mixed.write_csv(tmp_path / "in.csv")
    result = call(*ask(tmp_path / "in.csv", tmp_path / "out.csv", folder))
    assert result.exit_code == OK, result.output
    assert "20 of 23 kernels timed" in result.stdout
    assert "3 not timed: dtype fp7 is not known" in result.stdout


def test_a_file_without_rows_is_answered_with_one(tmp_path: Path, folder: Path) -> None:
    ROWS.clear().write_parquet(tmp_path / "in.parquet")
    result = call(*ask(tmp_path / "in.parquet", tmp_path / "out.parquet", folder))
    assert result.exit_code == OK, result.output
    assert "0 of 0 kernels timed" in result.stdout
    assert pl.read_parquet(tmp_path / "out.parquet").columns == [*ROWS.columns, *ADDED]


def test_chips_are_left_out_with_the_kept_sample_and_the_evidence_says_so(
    tmp_path: Path, folder: Path, source: Path
) -> None:
    result = call(*ask(source, tmp_path / "out.csv", folder, "--leave-out", "h100-sxm, h200-sxm"))
    assert result.exit_code == OK, result.output
    found = pl.read_csv(tmp_path / "out.csv")
    assert found["evidence"].str.contains("on a chip that was not measured").all()
    planted = timed(ROWS.with_columns(chip=pl.lit("h100-sxm")))
    assert mean_error(found["latency_s"], planted["latency_s"]) < 0.03


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("more", [(), ("--leave-out", "h100-sxm,h200-sxm")], ids=["measured", "left out"])
def test_a_file_that_names_stacks_gets_each_stack_s_own_times(
    tmp_path: Path, folder: Path, kind: str, more: tuple[str, ...]
) -> None:
    stacks = pl.DataFrame({"backend": ["one", "other", None], "kernel": ["gemm", None, None]})
    asked = ROWS.join(stacks, how="cross")
    asked.write_csv(tmp_path / "in.csv") if kind == "csv" else asked.write_parquet(tmp_path / "in.parquet")
    result = call(*ask(tmp_path / f"in.{kind}", tmp_path / f"out.{kind}", folder, *more))
    assert result.exit_code == OK, result.output
    found = pl.read_csv(tmp_path / f"out.{kind}") if kind == "csv" else pl.read_parquet(tmp_path / f"out.{kind}")
    assert found.columns == [*asked.columns, *ADDED]
    one, other, best = (found[start::3]["latency_s"] for start in range(3))
    assert (other / best).median() == pytest.approx(1.1, rel=0.02)
    assert (one / best).median() == pytest.approx(1.0, rel=0.02)
    assert found["evidence"][1].endswith("kernel meant: gemm")


@pytest.mark.parametrize(("column", "says"), [("backend", "known: one, other"), ("kernel", "known: gemm")])
def test_a_stack_that_nobody_measured_is_one_line_with_those_that_are_known(
    tmp_path: Path, folder: Path, column: str, says: str
) -> None:
    rows = ROWS.with_columns(backend=pl.lit("one"), kernel=pl.lit("gemm")).with_columns(pl.lit("new").alias(column))
    rows.write_csv(tmp_path / "in.csv")
    assert says in refusal(*ask(tmp_path / "in.csv", tmp_path / "out.csv", folder))
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"--in": "kernels.txt"}, "cannot read .txt; take .parquet or .csv"),
        ({"--in": "kernels"}, "a file without suffix"),
        ({"--in": "none.csv"}, "none.csv"),
        ({"--in": "not.parquet"}, "not.parquet"),
        ({"--in": "lacks.csv"}, "name no family of kernels; gemm: dtype, m, n, k"),
        ({"--in": "words.csv"}, "family gemm"),
        ({"--in": "empty.csv"}, "empty.csv"),
        ({"--out": "out.xlsx"}, "cannot write .xlsx"),
        ({"--out": "no/such/folder/out.csv"}, "No such file or directory"),
        ({"--chip": "h100-sxn"}, "close: h100-sxm"),
        ({"--leave-out": "h100-sxn"}, "close: h100-sxm"),
        ({"--leave-out": "a100-sxm-80,b200-sxm,h100-sxm,h200-sxm,l40s"}, "leave out fewer"),
        ({"--calibration": "none"}, "run `scoville calibrate`"),
    ],
)
def test_what_cannot_be_predicted_is_one_line(
    tmp_path: Path, folder: Path, source: Path, change: dict[str, str], says: str
) -> None:
    (tmp_path / "not.parquet").write_bytes(b"not parquet")
    (tmp_path / "empty.csv").write_text("")
    ROWS.drop("k").write_csv(tmp_path / "lacks.csv")
    ROWS.with_columns(m=pl.lit("many")).write_csv(tmp_path / "words.csv")
    options: dict[str, str | Path] = {"--chip": "h100-sxm", "--in": source, "--out": tmp_path / "out.csv"}
    options |= {"--calibration": folder}
    paths = {"--in", "--out", "--calibration"}
    options |= {name: tmp_path / value if name in paths else value for name, value in change.items()}
    assert says in refusal("kernels", "predict", *(one for option in options.items() for one in option))


def test_calibrating_to_a_folder_and_predicting_with_it_finds_what_was_planted(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tables(timed(products(shapes=90)), tmp_path / "tables")
    monkeypatch.setattr("pipelines.kernels.FAMILIES", (SMALL,))
    told: list[str] = []
    calibrate_to(tmp_path / "tables", tmp_path / "fitted", source="planted", told=told.append)
    assert told == ["gemm: 450 kernels on 5 chips"]
    found = predict_file(
        Asked(chip="l40s", source=source, target=tmp_path / "out.csv"), calibration=tmp_path / "fitted"
    )
    planted = timed(ROWS.with_columns(chip=pl.lit("l40s")))
    assert mean_error(found["latency_s"], planted["latency_s"]) < 0.02


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("calibrate", "--data", "{}"), "no gemm_GPU.parquet"),
        (("bench", "kernel-accuracy"), "name their folder with --data"),
        (("bench", "design-change"), "name their folder with --data"),
        (("bench", "kernel-rivals"), "name their folder with --data"),
        (("bench", "board-power"), "name their folder with --data"),
        (("bench", "kernel-accuracy", "--data", "{}", "--family", "fft", "--plots", "{}/p"), "no kernel family 'fft'"),
        (("bench", "kernel-accuracy", "--data", "{}", "--split", "day", "--plots", "{}/p"), "there are: shape, chip"),
        (("bench", "kernel-accuracy", "--data", "{}", "--plots", "{}/p"), "no gemm_GPU.parquet"),
        (("bench", "design-change", "--data", "{}", "--family", "fft"), "no kernel family 'fft'"),
        (("bench", "design-change", "--data", "{}", "--family", "gemm"), "no gemm_GPU.parquet"),
        (("bench", "nonsense"), "no benchmark suite 'nonsense'"),
    ],
)
def test_what_cannot_be_measured_is_one_line(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    assert says in refusal(*(one.replace("{}", str(tmp_path)) for one in arguments))


def test_calibrating_without_the_package_of_tables_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.cli.kernels.PACKAGE", "no_such_package_of_tables")
    assert "scoville[silicon]" in refusal("calibrate")


def test_a_table_without_a_column_is_one_line(tmp_path: Path) -> None:
    pl.DataFrame({"gpu": ["h100_sxm"]}).write_parquet(tmp_path / "gemm_h100_sxm.parquet")
    assert "gemm_h100_sxm.parquet" in refusal("calibrate", "--data", tmp_path, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_accuracy_on_planted_tables_is_told_by_chip_with_a_plot_of_each_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tables(timed(products(shapes=90)), tmp_path / "tables")
    monkeypatch.setattr("pipelines.bench.kernel_accuracy.FAMILIES", (SMALL,))
    plots = tmp_path / "plots"
    arguments = ("bench", "kernel-accuracy", "--data", tmp_path / "tables", "--plots", plots, "--family", "gemm")
    result = call(*arguments, "--json")
    assert result.exit_code == OK, result.output
    whole = [row for row in json.loads(result.stdout) if row["dtype"] == row["bucket"] == "all"]
    for split in ("shape", "stacks", "chip"):
        errors = {row["chip"]: row["mape"] for row in whole if row["split"] == split}
        assert set(errors) == set(CHIPS)
        assert max(errors.values()) < 0.08
    assert "gemm without b200-sxm: 90 % interval" in result.stderr
    found = sorted(path.name for path in plots.iterdir())
    assert found == ["kernel-accuracy-gemm-chip.png", "kernel-accuracy-gemm-shape.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in plots.iterdir())
