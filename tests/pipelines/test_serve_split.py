"""`scoville serve` with prefill and decode on replicas of their own."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

from pipelines.cli import app
from pipelines.cli.exits import BAD_INPUT, OK
from tests.pipelines.test_serve import COLUMNS, EXAMPLES

EXAMPLE = EXAMPLES / "h100_llama31_70b_split.yaml"
SENT = ["room_s", "cache_arrived_s", "decoding_s", "sent_tokens"]
KV_BYTES_PER_TOKEN = 163_840
"""80 layers x 8 heads x 128 x 2, in fp8."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "trace.csv").write_text(
        "arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,4000,30\n5.0,1000,1\n9.5,8000,20\n"
    )
    return tmp_path


def serve(folder: Path, *more: str, top: dict[str, Any] | None = None, **block: Any) -> Result:
    content = yaml.safe_load(EXAMPLE.read_text()) | (top or {})
    content["disaggregation"] = content["disaggregation"] | block
    (folder / "engine.yaml").write_text(yaml.safe_dump(content))
    asked = {"trace": "trace.csv", "config": "engine.yaml", "out": "served.parquet"}
    options = [part for name, value in asked.items() for part in (f"--{name}", str(folder / value))]
    return CliRunner().invoke(app, ["serve", *options, "--chip", "h100-sxm", "--model", "llama-3.1-70b", *more])


def test_rows_and_summary_tell_of_the_hand_over(folder: Path) -> None:
    result = serve(folder, "--json")
    assert result.exit_code == OK, result.output
    rows, told = pl.read_parquet(folder / "served.parquet"), json.loads(result.output)
    assert rows.columns == [*COLUMNS, *SENT]
    assert rows["sent_tokens"].to_list() == [4000, 0, 8000]
    assert rows["room_s"].is_null().to_list() == [False, True, False]
    waits = (rows["decoding_s"] - rows["first_token_s"]).drop_nulls()
    assert told["hand_over_s"]["mean"] == pytest.approx(waits.mean())
    assert (told["calls"], told["sent_tokens"]) == (3, 12_000)


def test_the_catalogue_s_scale_out_link_carries_the_cache(folder: Path) -> None:
    """50 GB/s for each of four chips, and three times the chip's smallest collective."""
    assert serve(folder).exit_code == OK
    rows = pl.read_parquet(folder / "served.parquet")
    travelled = (rows["cache_arrived_s"] - rows["first_token_s"]).to_list()
    assert travelled[0] == pytest.approx(4000 * KV_BYTES_PER_TOKEN / 200e9, abs=2e-5)
    assert travelled[2] == pytest.approx(8000 * KV_BYTES_PER_TOKEN / 200e9, abs=2e-5)


def test_a_link_of_its_own_may_be_slower_and_latent_and_overlap_hides_it(folder: Path) -> None:
    asked: dict[str, Any] = {"link_bytes_per_s": 1e9, "link_latency_s": 0.25}
    assert serve(folder, **asked).exit_code == OK
    after = pl.read_parquet(folder / "served.parquet")
    assert serve(folder, **asked, overlap=True).exit_code == OK
    along = pl.read_parquet(folder / "served.parquet")
    sent_s = 4000 * KV_BYTES_PER_TOKEN / 4e9
    assert after["cache_arrived_s"][0] - after["first_token_s"][0] == pytest.approx(sent_s + 0.25)
    assert along["first_token_s"].to_list() == after["first_token_s"].to_list()
    gained_s = (after["cache_arrived_s"] - along["cache_arrived_s"])[0]
    assert 0.0 < gained_s < (after["first_token_s"] - after["scheduled_s"])[0]


def test_goodput_is_found_as_on_one_pool(folder: Path) -> None:
    lines = [f"{at}.5,8000,20" for at in range(60)]
    (folder / "trace.csv").write_text("\n".join(["arrived_at,num_prefill_tokens,num_decode_tokens", *lines]))
    result = serve(folder, "--goodput", "3,0.05", "--json")
    assert result.exit_code == OK, result.output
    assert json.loads(result.output)["goodput"]["requests_per_s"] > 0.0


@pytest.mark.parametrize(
    ("block", "top", "words"),
    [
        ({"decode_tp": 1}, {}, "use more tensor-parallel ranks"),
        ({"decode_tp": 0}, {}, "decode_tp is 0 and must be 1 or more"),
        ({"overlap": "layers"}, {}, "overlap is 'layers' and must be true or false"),
        ({"link_bytes_per_s": 0.0}, {}, "link_bytes_per_s is 0.0 and must be above 0"),
        ({"rate": 1}, {}, "unknown key rate"),
        ({}, {"kv_blocks": 100}, "kv_blocks must be left out"),
        ({}, {"scheduler": "sarathi_vidur", "prefix_caching": False}, "left out with sarathi_vidur"),
        ({}, {"preemption": "none"}, "must be recompute"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    folder: Path, block: dict[str, Any], top: dict[str, Any], words: str
) -> None:
    result = serve(folder, top=top, **block)
    assert result.exit_code == BAD_INPUT
    assert words in " ".join(result.output.split())


def test_measured_profiles_and_pictures_know_one_pool(folder: Path) -> None:
    assert "leave --perfetto out" in " ".join(serve(folder, "--perfetto", str(folder / "x.json")).output.split())


def test_a_call_that_one_side_cannot_hold_is_told(folder: Path) -> None:
    (folder / "trace.csv").write_text("arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,120000,30\n")
    result = serve(folder, prefill_tp=2, decode_tp=2)
    assert result.exit_code == BAD_INPUT
    assert "blocks on a" in result.output or "tensor-parallel" in result.output


HOSTED = {
    "scheduler": "vllm_v1",
    "max_num_seqs": 64,
    "max_num_batched_tokens": 2048,
    "prefix_caching": True,
    "kv_blocks": 140,
    "host_kv": {"bytes": 1.0e9, "bytes_per_s": 64.0e9, "latency_s": 2.0e-5},
}
"""Too few blocks for both calls at their longest, so that one is interrupted and finds its blocks again."""


def serve_hosted(folder: Path, **changes: Any) -> Result:
    (folder / "trace.csv").write_text("arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,1000,200\n0.5,1000,200\n")
    (folder / "engine.yaml").write_text(yaml.safe_dump(HOSTED | changes))
    asked = {"trace": "trace.csv", "config": "engine.yaml", "out": "served.parquet"}
    options = [part for name, value in asked.items() for part in (f"--{name}", str(folder / value))]
    return CliRunner().invoke(app, ["serve", *options, "--chip", "h100-sxm", "--model", "llama-3.1-8b", "--json"])


def test_cache_in_host_memory_is_told_by_tier(folder: Path) -> None:
    result = serve_hosted(folder)
    assert result.exit_code == OK, result.output
    told, rows = json.loads(result.output), pl.read_parquet(folder / "served.parquet")
    assert rows.columns == [*COLUMNS, "host_tokens"]
    assert told["preemptions"] > 0
    assert told["loaded_blocks"] > 0
    assert sum(told["cached_tokens_by_tier"].values()) == told["cached_tokens"]


def test_an_empty_host_memory_changes_nothing(folder: Path) -> None:
    nothing = HOSTED["host_kv"] | {"bytes": 0}  # type: ignore[operator]
    assert serve_hosted(folder, host_kv=nothing).exit_code == OK
    empty = pl.read_parquet(folder / "served.parquet").select(COLUMNS)
    assert serve_hosted(folder, host_kv=None).exit_code == OK
    assert empty.equals(pl.read_parquet(folder / "served.parquet"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prefix_caching": False}, "must be true with host_kv"),
        ({"host_kv": {"bytes": 1.0}}, "host_kv: bytes_per_s, latency_s must be set"),
        ({"host_kv": 3}, "host_kv is a mapping"),
        ({"host_kv": {"bytes": -1, "bytes_per_s": 1.0, "latency_s": 0.0}}, "bytes is -1.0 and must be 0 or more"),
        (
            {"disaggregation": {"prefill_replicas": 1, "decode_replicas": 1, "prefill_tp": 1, "decode_tp": 1}},
            "left out beside disaggregation",
        ),
    ],
)
def test_host_memory_that_cannot_be_is_refused(folder: Path, changes: dict[str, Any], words: str) -> None:
    result = serve_hosted(folder, **changes)
    assert result.exit_code == BAD_INPUT
    assert words in " ".join(result.output.split())
