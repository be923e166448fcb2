"""The command `scoville fit`, end to end on small traces made here."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from pipelines.cli import app
from pipelines.cli.exits import BAD_INPUT, OK
from pipelines.fit.table import verdict
from telemetry_sim.fidelity import Measure
from telemetry_sim.fitted import load_fitted

KEYS = {"metric", "ks", "wasserstein", "noise_floor", "interval"}


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["fit", *arguments])


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 Poisson calls of lognormal lengths in the Azure form."""
    generator = np.random.default_rng(3)
    times = np.sort(generator.random(400)) * 400e6
    tokens = np.exp(generator.normal([6.5, 4.5], [0.8, 0.6], size=(400, 2))).astype(int) + 1
    stamps = np.datetime64("2023-11-16T18:00:00", "us") + times.astype("timedelta64[us]")
    lines = [f"{str(at).replace('T', ' ')},{one},{other}" for at, (one, other) in zip(stamps, tokens, strict=True)]
    path = tmp_path_factory.mktemp("trace") / "calls-of-today.csv"
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n" + "\n".join(lines) + "\n")
    return path


def test_a_fit_writes_its_three_files_and_prints_the_fidelity(trace: Path, tmp_path: Path) -> None:
    result = call("azure", str(trace), "--out", str(tmp_path), "--json")
    assert result.exit_code == OK, result.output
    told = json.loads(result.stdout)
    rows = {row["metric"]: row for row in told["fidelity"]}
    assert all(set(row) >= KEYS for row in rows.values())
    assert json.loads((tmp_path / "fidelity.json").read_text()) == told
    assert rows["input_tokens"]["ks"] < 0.15
    low, high = rows["input_tokens"]["interval"]
    assert 0 < low < high < 0.4
    assert rows["dispersion_index_1s"]["value_real"] == pytest.approx(1.0, abs=0.3)
    assert rows["copied_runs_count"]["value_synthetic"] == 0
    assert rows["parameter_file_bytes"]["within"]
    assert load_fitted(tmp_path / "calls_of_today.yaml").name == "calls_of_today"
    assert_plays_again(tmp_path / "calls_of_today.yaml", tmp_path / "played", tmp_path / "again")
    page = (tmp_path / "fidelity.html").read_text()
    assert "input tokens per call" in page
    assert "src=" not in page.split("<main>")[1].split("</main>")[0]


def assert_plays_again(parameters: Path, folder: Path, again: Path) -> None:
    """The parameter file plays as tables and as a load file; the same seed gives the same bytes."""
    for out in (folder, again):
        arguments = ("simulate-telemetry", "--fitted", str(parameters), "--out", str(out), "--export", "mooncake")
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == OK, result.output
    calls = pl.read_parquet(folder / "model_calls_2023-11-16.parquet")
    assert calls.height == 400
    assert pl.read_parquet(folder / "sessions_2023-11-16.parquet")["call_count"].to_list() == [1] * 400
    lines = [json.loads(line) for line in (folder / "load_mooncake.jsonl").read_text().splitlines()]
    assert sorted(line["input_length"] for line in lines) == calls["input_tokens"].sort().to_list()
    assert all((folder / path.name).read_bytes() == path.read_bytes() for path in again.iterdir())


def test_a_file_that_holds_no_fitted_surface_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("name: x\n")
    arguments = ("simulate-telemetry", "--fitted", str(tmp_path / "other.yaml"), "--out", str(tmp_path / "out"))
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == BAD_INPUT
    assert "the keys are" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "arguments", "says"),
    [
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n", (), "no rows"),
        ("a,b\n1,2\n", (), "TIMESTAMP"),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00,5,5\n", (), "too few"),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00,5,5\n", ("--surface", "nowhere"), "nowhere"),
    ],
    ids=["header only", "unknown columns", "one call", "unknown surface"],
)
def test_what_cannot_be_fitted_is_one_line_and_exit_code_two(
    tmp_path: Path, content: str, arguments: tuple[str, ...], says: str
) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(content)
    result = call("azure", str(path), "--out", str(tmp_path / "out"), *arguments)
    assert result.exit_code == BAD_INPUT
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_the_verdict_names_what_is_outside_its_bar() -> None:
    kept, missed = (
        Measure(metric="a", ks=0.01, bar=0.02),
        Measure(metric="b", value_real=1.0, relative_error=-0.3, bar=0.2),
    )
    assert verdict([kept, missed, Measure(metric="c", ks=0.5)]) == "1 of 2 measures keep their bar; outside: b"
