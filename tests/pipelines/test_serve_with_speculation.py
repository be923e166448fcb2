"""`scoville serve` with speculation: the same file, what became of drafts, and refusals in one line."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

from pipelines.cli import app
from pipelines.cli.exits import BAD_INPUT, OK

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "serving" / "h100_llama31_70b_speculation.yaml"
COLUMNS = ["call_id", "queued_s", "scheduled_s", "first_token_s", "last_token_s", "preemptions", "cached_tokens"]
ON_CHIP = ("--chip", "h100-sxm", "--model", "llama-3.1-70b")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "trace.csv").write_text(
        "arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,40,3\n0.25,10,1\n0.5,1000,800\n"
    )
    write_engine(tmp_path)
    return tmp_path


def write_engine(folder: Path, **changed: object) -> None:
    example = yaml.safe_load(EXAMPLE.read_text())
    (folder / "engine.yaml").write_text(yaml.safe_dump({**example, **changed}))


def serve(folder: Path, *more: str) -> Result:
    given = {"trace": folder / "trace.csv", "config": folder / "engine.yaml", "out": folder / "served.parquet"}
    options = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    return CliRunner().invoke(app, ["serve", *options, *more])


def per_token_s(folder: Path) -> float:
    """Of the longest answer."""
    rows = pl.read_parquet(folder / "served.parquet")
    return float(rows["last_token_s"][2] - rows["first_token_s"][2]) / 799


def test_the_example_is_served_into_the_same_file_faster_than_without(folder: Path) -> None:
    result = serve(folder, *ON_CHIP, "--json")
    assert result.exit_code == OK, result.output
    assert pl.read_parquet(folder / "served.parquet").columns == COLUMNS
    told = json.loads(result.output)
    drafts = told["speculation"]
    assert drafts["tokens_per_step"] == pytest.approx(1 + 0.743 + 0.743**2 + 0.743**3, rel=0.05)
    assert 0 < drafts["accepted_tokens"] < drafts["drafted_tokens"]
    drafted_s = per_token_s(folder)
    write_engine(folder, speculation=None)
    plain = json.loads(serve(folder, *ON_CHIP, "--json").output)
    assert "speculation" not in plain
    assert plain["iterations"] > 2 * told["iterations"]
    assert 2.0 < per_token_s(folder) / drafted_s < drafts["tokens_per_step"]


def test_the_summary_says_what_became_of_drafts(folder: Path) -> None:
    lines = serve(folder, *ON_CHIP).output.splitlines()
    assert any(line.startswith("drafts: 2.") and "drafts accepted" in line for line in lines)


def test_a_head_leaves_less_room_for_cache(folder: Path) -> None:
    (folder / "trace.csv").write_text("arrived_at,num_prefill_tokens,num_decode_tokens\n0,10,4\n")
    write_engine(folder, tp=2, speculation={"draft": "llama-3.1-8b", "tokens": 2, "alpha": 0.7})
    assert "leaves no room for cache" in serve(folder, *ON_CHIP).output
    write_engine(folder, tp=4, speculation={"draft": "llama-3.1-8b", "tokens": 2, "alpha": 0.7})
    assert serve(folder, *ON_CHIP).exit_code == OK


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"draft": "gpt-oss-20b", "tokens": 2, "alpha": 0.7}, "take one of the same family"),
        ({"draft": "llama-3.1-9b", "tokens": 2, "alpha": 0.7}, "no LLM 'llama-3.1-9b'"),
        ({"draft": "mtp", "tokens": 2}, "either acceptance or alpha"),
    ],
)
def test_what_cannot_be_drafted_is_one_line(folder: Path, said: dict[str, object], message: str) -> None:
    write_engine(folder, speculation=said)
    result = serve(folder, *ON_CHIP)
    assert result.exit_code == BAD_INPUT
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1
