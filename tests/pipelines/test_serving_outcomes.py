"""`scoville serve --goodput`, `--perfetto` and `scoville pareto` from the command line, mistakes in one line."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from hwmodel.serving.errors import LongWindow
from hwmodel.serving.step_log import StepLog
from pipelines.cli import app
from pipelines.cli.exits import BAD_INPUT, OK
from pipelines.serving_outcomes import FIRST_ROOM, MOST_ROOM, logged

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "serving" / "h100_llama31_8b.yaml"
PARETO = ("pareto", "--chip", "h100-sxm", "--model", "llama-3.1-8b", "--max-batch", "8")
LENGTHS = ("--input-tokens", "500", "--output-tokens", "200")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = "".join(f"{0.05 * at},{100 + 37 * at % 900},{20 + 11 * at % 200}\n" for at in range(120))
    (tmp_path / "trace.csv").write_text(f"arrived_at,num_prefill_tokens,num_decode_tokens\n{rows}")
    return tmp_path


def serve(folder: Path, *more: str, config: Path = EXAMPLE) -> Result:
    given = {"trace": folder / "trace.csv", "config": config, "out": folder / "served.parquet"}
    options = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    return CliRunner().invoke(app, ["serve", *options, "--chip", "h100-sxm", "--model", "llama-3.1-8b", *more])


def test_goodput_is_told_with_the_load_that_misses_beside_it(folder: Path) -> None:
    result = serve(folder, "--goodput", "0.5,0.02,0.95", "--json")
    assert result.exit_code == OK, result.output
    told = json.loads(result.output)["goodput"]
    assert told["attainment_ratio"] >= told["target_ratio"] == 0.95 > told["missed_attainment_ratio"]
    assert told["requests_per_s"] == pytest.approx(told["load_ratio"] * 20.0)
    assert 1.0 < told["missed_requests_per_s"] / told["requests_per_s"] <= 1.0101


def test_goodput_in_words(folder: Path) -> None:
    assert "requests/s" in serve(folder, "--goodput", "0.5,0.02").output.splitlines()[-1]


def test_a_picture_shows_the_calls_and_steps_of_a_window(folder: Path) -> None:
    result = serve(folder, "--perfetto", str(folder / "picture.json"), "--window", "1,1.5")
    assert result.exit_code == OK, result.output
    events = json.loads((folder / "picture.json").read_text())["traceEvents"]
    drawn = [event for event in events if event["ph"] == "X"]
    rows = pl.read_parquet(folder / "served.parquet")
    inside = rows.filter((pl.col("queued_s") < 1.5) & (pl.col("last_token_s") > 1.0))
    assert {event["tid"] for event in drawn if event["pid"] == 2} == set(inside["call_id"].to_list())
    steps = [event for event in drawn if event["pid"] == 1]
    assert steps
    assert all(event["ts"] < 1.5e6 and event["ts"] + event["dur"] > 1e6 for event in steps)


def test_a_window_without_room_is_run_again_and_one_too_long_is_refused() -> None:
    rooms: list[int] = []

    def serve_with(steps: int) -> object:
        def run(log: StepLog) -> object:
            rooms.append(log.rows.shape[0])
            log.size[0] = steps
            return None

        return run

    logged(serve_with(FIRST_ROOM + 5), (0, 1))  # type: ignore[arg-type]
    assert rooms == [FIRST_ROOM, FIRST_ROOM + 5]
    with pytest.raises(LongWindow, match="shorter --window"):
        logged(serve_with(MOST_ROOM + 1), (0, 1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--goodput", "1"), "must be TTFT_S,TPOT_S or TTFT_S,TPOT_S,TARGET"),
        (("--goodput", "1,fast"), "must be TTFT_S,TPOT_S"),
        (("--goodput", "1,0.1,90"), "the target is 90"),
        (("--goodput", "0,0.1"), "ttft_s is 0.0"),
        (("--goodput", "0.0001,0.1"), "out of reach"),
        (("--window", "2,1"), "is no window"),
        (("--window", "1"), "must be START_S,END_S"),
        (("--window", "0,inf"), "is no window"),
    ],
)
def test_what_cannot_be_asked_is_one_line(folder: Path, more: tuple[str, ...], message: str) -> None:
    result = serve(folder, *more)
    assert result.exit_code == BAD_INPUT
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_vidurs_rule_has_no_picture(folder: Path) -> None:
    config = folder / "engine.yaml"
    config.write_text(
        EXAMPLE.read_text().replace("vllm_v1", "sarathi_vidur").replace("caching: true", "caching: false")
    )
    result = serve(folder, "--perfetto", str(folder / "picture.json"), config=config)
    assert result.exit_code == BAD_INPUT
    assert "must be vllm_v1 for a log of steps" in result.output


def test_the_front_of_a_chip_is_printed_and_as_json_all_points_are_marked() -> None:
    words, whole = (CliRunner().invoke(app, [*PARETO, *LENGTHS, *more]) for more in ((), ("--json",)))
    assert words.exit_code == OK, words.output
    points = json.loads(whole.output)["points"]
    kept = [point for point in points if not point["is_dominated"]]
    assert 0 < len(kept) < len(points)
    assert len(words.output.splitlines()) == 1 + len(kept)
    assert {"tp_count", "ep_count", "precision", "batch_count", "tokens_per_s_per_mw", "usd_per_million_tokens"} <= set(
        points[0]
    )


def test_a_chip_whose_cost_cannot_be_told_is_timed_all_the_same() -> None:
    result = CliRunner().invoke(
        app, ["pareto", "--chip", "l40s", "--model", "llama-3.1-8b", "--max-batch", "4", *LENGTHS, "--json"]
    )
    assert result.exit_code == OK, result.output
    told = json.loads(result.output)
    assert "l40s cannot be a design" in told["no_dollars"]
    assert all(point["usd_per_million_tokens"] is None and point["tokens_per_s_per_mw"] > 0 for point in told["points"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*PARETO, "--input-tokens", "500", "--output-tokens", "1"), "give at least 1 and 2"),
        ((*PARETO, "--input-tokens", "200000", "--output-tokens", "9"), "llama-3.1-8b holds 131072 tokens"),
        ((*PARETO, *LENGTHS, "--max-batched-tokens", "4"), "--max-batch is 8 and must be 1 to 4"),
        ((*PARETO, *LENGTHS, "--price-basis", "gift"), "no price basis 'gift'"),
        (("pareto", "--chip", "h100", "--model", "llama", *LENGTHS), "close"),
    ],
)
def test_a_front_that_cannot_be_told_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == BAD_INPUT
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1
