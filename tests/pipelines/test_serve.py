"""`scoville serve`: files in, one row per call out, mistakes in one line."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

from pipelines.cli import app
from pipelines.cli.exits import BAD_INPUT, OK
from tests.hwmodel.serving.profiles.profile_files import write_llmservingsim, write_vidur
from tests.shared_data import shared_path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "serving"
COLUMNS = ["call_id", "queued_s", "scheduled_s", "first_token_s", "last_token_s", "preemptions", "cached_tokens"]
ENGINE = {
    "scheduler": "sarathi_vidur",
    "max_num_seqs": 4,
    "max_num_batched_tokens": 32,
    "kv_blocks": 60,
    "layers": 2,
    "tp": 1,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_vidur(tmp_path)
    write_llmservingsim(tmp_path)
    (tmp_path / "trace.csv").write_text(
        "arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,40,3\n0.25,10,1\n0.5,100,20\n"
    )
    (tmp_path / "engine.yaml").write_text(yaml.safe_dump(ENGINE))
    return tmp_path


def serve(folder: Path, *more: str, **changed: str | Path) -> Result:
    given: dict[str, str | Path] = {
        "trace": folder / "trace.csv",
        "kernel-profile": f"vidur:{folder / 'tables.parquet'}",
        "config": folder / "engine.yaml",
        "out": folder / "served.parquet",
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    options = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    return CliRunner().invoke(app, ["serve", *options, *more])


def test_every_call_gets_a_row_on_the_clock_of_the_trace(folder: Path) -> None:
    result = serve(folder, "--json")
    assert result.exit_code == OK, result.output
    rows = pl.read_parquet(folder / "served.parquet")
    assert rows.columns == COLUMNS
    assert rows["call_id"].to_list() == [0, 1, 2]
    assert rows["queued_s"].to_list() == [0.5, 0.25, 0.5]
    assert (rows["last_token_s"] >= rows["first_token_s"]).all()
    told = json.loads(result.output)
    waits = rows["first_token_s"] - rows["queued_s"]
    assert told["ttft_s"]["p50"] == pytest.approx(waits.median())
    assert (told["calls"], told["preemptions"]) == (3, 0)
    assert told["iterations"] > 20


def test_the_same_run_in_words_and_as_csv(folder: Path) -> None:
    result = serve(folder, out=folder / "served.csv")
    assert result.exit_code == OK, result.output
    assert "iterations, 3 calls, 0 preemptions" in result.output
    assert [line.split()[0] for line in result.output.splitlines()[1:]] == ["TTFT", "TPOT", "E2E"]
    assert pl.read_csv(folder / "served.csv").columns == COLUMNS


def test_the_other_layout_serves_the_same_calls(folder: Path) -> None:
    result = serve(folder, kernel_profile=f"llmservingsim:{folder}")
    assert result.exit_code == OK, result.output
    assert len(pl.read_parquet(folder / "served.parquet")) == 3


def test_a_stretched_trace_arrives_later(folder: Path) -> None:
    (folder / "engine.yaml").write_text(yaml.safe_dump({**ENGINE, "arrival_scale": 3.0}))
    assert serve(folder).exit_code == OK
    assert pl.read_parquet(folder / "served.parquet")["queued_s"].to_list() == [1.5, 0.75, 1.5]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kernel_profile": "vidur"}, "names no kernel profile"),
        ({"kernel_profile": "roofline:x"}, "names no kernel profile"),
        ({"kernel_profile": "vidur:nowhere.parquet"}, "cannot be read"),
        ({"trace": "nowhere.csv"}, "cannot be read as CSV"),
        ({"config": "nowhere.yaml"}, "cannot be read as YAML"),
        ({"out": "served.txt"}, "take .parquet or .csv"),
    ],
)
def test_a_mistake_is_told_in_one_line(folder: Path, changed: dict[str, str], message: str) -> None:
    result = serve(folder, **changed)
    assert result.exit_code == BAD_INPUT
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"max_num_batched_tokens": 64}, "steps of 64 prompt tokens are beyond the 32"),
        ({"max_num_seqs": 3, "kv_blocks": 6}, "call 2 needs 7 blocks"),
        ({"tp": 0}, "tp is 0"),
        ({"speed": 1}, "unknown key speed"),
    ],
)
def test_an_engine_that_the_profile_or_the_calls_rule_out_is_told(
    folder: Path, changed: dict[str, object], message: str
) -> None:
    (folder / "engine.yaml").write_text(yaml.safe_dump({**ENGINE, **changed}))
    result = serve(folder)
    assert result.exit_code == BAD_INPUT
    assert message in result.output


def test_a_call_longer_than_any_that_was_measured_is_told_before_the_run(folder: Path) -> None:
    (folder / "trace.csv").write_text("arrived_at,num_prefill_tokens,num_decode_tokens\n0,510,4\n")
    result = serve(folder)
    assert result.exit_code == BAD_INPUT
    assert "contexts of 513 tokens are beyond the 512" in result.output


def test_vidurs_case_from_the_command_line(tmp_path: Path) -> None:
    data = shared_path("data/serving/case2_code_trace.csv").parent
    result = serve(
        tmp_path,
        "--json",
        trace=data / "case2_code_trace.csv",
        kernel_profile=f"vidur:{data / 'case2_code_kernel_tables.parquet'}",
        config=EXAMPLES / "case2_code_vidur.yaml",
    )
    assert result.exit_code == OK, result.output
    told, theirs = json.loads(result.output), json.loads((data / "case2_code_summary.json").read_text())
    assert told["iterations"] == theirs["iterations"] == 28_111
    for ours, name in (("ttft_s", "ttft"), ("tpot_s", "tpot"), ("e2e_s", "e2e")):
        for q in ("p50", "p99", "mean"):
            assert told[ours][q] == pytest.approx(theirs[name][q], rel=1e-3)
