"""`scoville serve` on a chip of the catalogue: tables instead of a profile, room from the memory, refusals."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

from hwmodel.catalog import Deployment, DesignTable, load_catalog, timed_design_of
from hwmodel.serving import capacity_tokens
from hwmodel.serving.config import read_config
from pipelines.cli import app
from pipelines.cli.exits import BAD_INPUT, OK
from pipelines.serve import Served, engine_of

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "serving" / "h100_llama31_8b.yaml"
COLUMNS = ["call_id", "queued_s", "scheduled_s", "first_token_s", "last_token_s", "preemptions", "cached_tokens"]
ON_CHIP = ("--chip", "h100-sxm", "--model", "llama-3.1-8b")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "trace.csv").write_text(
        "arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,40,3\n0.25,10,1\n0.5,1000,200\n"
    )
    (tmp_path / "engine.yaml").write_text(EXAMPLE.read_text())
    return tmp_path


def write_engine(folder: Path, **changed: object) -> None:
    example = yaml.safe_load(EXAMPLE.read_text())
    (folder / "engine.yaml").write_text(yaml.safe_dump({**example, **changed}))


def serve(folder: Path, *more: str) -> Result:
    given = {"trace": folder / "trace.csv", "config": folder / "engine.yaml", "out": folder / "served.parquet"}
    options = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    return CliRunner().invoke(app, ["serve", *options, *more])


def engine(folder: Path, llm: str = "llama-3.1-8b", chip: str = "h100-sxm") -> object:
    return engine_of(
        Served(
            trace=folder / "trace.csv",
            config=folder / "engine.yaml",
            target=folder / "served.parquet",
            chip=chip,
            llm=llm,
        )
    )


def test_a_chip_serves_the_trace_into_the_same_file_and_summary(folder: Path) -> None:
    result = serve(folder, *ON_CHIP, "--json")
    assert result.exit_code == OK, result.output
    rows = pl.read_parquet(folder / "served.parquet")
    assert rows.columns == COLUMNS
    told = json.loads(result.output)
    assert (told["calls"], told["preemptions"]) == (3, 0)
    per_token_s = (rows["last_token_s"][2] - rows["first_token_s"][2]) / 199
    assert 16e9 / 3.35e12 < per_token_s < 3 * 16e9 / 3.35e12  # all weights from memory at the peak rate is the least


def test_blocks_are_what_the_memory_holds_beside_the_weights_unless_the_file_says(folder: Path) -> None:
    catalog = load_catalog()
    table = DesignTable.of([timed_design_of(catalog.chip("h100-sxm"))])
    room = int(capacity_tokens(table, catalog.llm("llama-3.1-8b"), Deployment(tp_count=1))[0])
    assert engine(folder).config.kv_blocks == room // 16  # type: ignore[attr-defined]
    write_engine(folder, kv_blocks=77)
    assert engine(folder).config.kv_blocks == 77  # type: ignore[attr-defined]


def test_more_ranks_leave_more_room(folder: Path) -> None:
    one = engine(folder).config.kv_blocks  # type: ignore[attr-defined]
    write_engine(folder, tp=2)
    assert engine(folder).config.kv_blocks > 2 * one  # type: ignore[attr-defined]


def test_host_overhead_comes_with_every_step(folder: Path) -> None:
    plain = json.loads(serve(folder, *ON_CHIP, "--json").output)
    write_engine(folder, host_overhead_s=0.01)
    slow = json.loads(serve(folder, *ON_CHIP, "--json").output)
    assert slow["tpot_s"]["p99"] == pytest.approx(plain["tpot_s"]["p99"] + 0.01, rel=1e-6)


def test_vidurs_rule_runs_on_a_chip_only_for_llms_without_fixed_state(folder: Path) -> None:
    write_engine(folder, scheduler="sarathi_vidur", prefix_caching=False)
    result = serve(folder, "--chip", "h100-sxm", "--model", "qwen3-next-80b-a3b")
    assert result.exit_code == BAD_INPUT
    assert "leaves no room" in result.output
    write_engine(folder, scheduler="sarathi_vidur", prefix_caching=False, tp=4)
    result = serve(folder, "--chip", "h100-sxm", "--model", "qwen3-next-80b-a3b")
    assert "must be vllm_v1 for an LLM whose sequences have a fixed state" in result.output


@pytest.mark.parametrize(
    ("more", "changed", "message"),
    [
        ((), {}, "either --kernel-profile, or --chip and --model"),
        (("--chip", "h100-sxm"), {}, "either --kernel-profile, or --chip and --model"),
        ((*ON_CHIP, "--kernel-profile", "vidur:x"), {}, "either --kernel-profile, or --chip and --model"),
        (("--chip", "h100-sxn", "--model", "llama-3.1-8b"), {}, "close: h100-sxm"),
        (("--chip", "h100-sxm", "--model", "llama-3.1-405b"), {}, "leaves no room for cache"),
        (ON_CHIP, {"layers": 31}, "layers is 31 and must be 32"),
        (ON_CHIP, {"gqa_attention_factor": 1.1}, "must be 1 on a chip model"),
        (ON_CHIP, {"kv_blocks": 20}, "call 2 needs 75 blocks"),
        (("--chip", "tpu-v5p", "--model", "llama-3.1-8b"), {}, "tpu-v5p"),
    ],
)
def test_what_cannot_be_served_on_a_chip_is_one_line(
    folder: Path, more: tuple[str, ...], changed: dict[str, object], message: str
) -> None:
    write_engine(folder, **changed)
    result = serve(folder, *more)
    assert result.exit_code == BAD_INPUT
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_a_call_longer_than_the_context_of_the_llm_is_told(folder: Path) -> None:
    (folder / "trace.csv").write_text("arrived_at,num_prefill_tokens,num_decode_tokens\n0,131070,4\n")
    assert "call 0 has 131074 tokens; llama-3.1-8b holds 131072" in serve(folder, *ON_CHIP).output


def test_a_profile_still_needs_layers_and_blocks(folder: Path) -> None:
    assert "kv_blocks, layers must be set" in serve(folder, "--kernel-profile", "vidur:x").output
    assert read_config(EXAMPLE, otherwise={"layers": 32, "kv_blocks": 5}).kv_blocks == 5


def test_the_example_with_attention_divided_by_data_serves_on_eight_chips(folder: Path) -> None:
    example = EXAMPLE.with_name("h200_deepseek_r1.yaml")
    assert read_config(example, otherwise={"layers": 61, "kv_blocks": 1}).ranks == 8
    small = {**yaml.safe_load(example.read_text()), "max_num_seqs": 16, "max_num_batched_tokens": 512}
    (folder / "engine.yaml").write_text(yaml.safe_dump(small))
    result = serve(folder, "--chip", "h200-sxm", "--model", "deepseek-r1", "--json")
    assert result.exit_code == OK, result.output
    assert json.loads(result.output)["calls"] == 3


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"attention_dp": 2}, "attention_dp is 2 and must be 1 without expert_parallel"),
        ({"expert_parallel": True}, "llama-3.1-8b has no experts"),
    ],
)
def test_a_division_that_the_llm_does_not_have_is_one_line(folder: Path, changed: dict[str, object], told: str) -> None:
    write_engine(folder, **changed)
    result = serve(folder, *ON_CHIP)
    assert result.exit_code == BAD_INPUT
    assert told in result.output
