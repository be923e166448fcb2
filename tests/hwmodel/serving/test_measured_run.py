"""The vLLM v1 scheduler on measured kernels against a run of vLLM that somebody timed; nothing is fitted to it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hwmodel.serving.config import KvSkew, Preemption, ServingConfig, read_config
from hwmodel.serving.engine import EngineCalls, EngineSettings
from hwmodel.serving.errors import BadConfig, DoesNotFit
from hwmodel.serving.profiles import LlmServingSimCost, ProfileChoice, ProfileCost, read_llmservingsim, read_profile
from hwmodel.serving.reference import replay_literally
from hwmodel.serving.serve import serve_calls
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.traces import read_trace
from tests.hwmodel.serving.profiles.profile_files import skew_rows, write_llmservingsim
from tests.shared_data import shared_path

CONFIG = Path(__file__).resolve().parents[3] / "examples" / "serving" / "rtx4090_llama31_8b.yaml"


def rtx4090(kv_skew: KvSkew) -> tuple[EngineCalls, ProfileCost, ServingConfig]:
    folder = shared_path("data/serving/rtx4090_kernels_dense.parquet").parent
    config = replace(read_config(CONFIG), kv_skew=kv_skew)
    calls = read_trace(folder / "workload__sharegpt-llama-3.1-8b-300-sps10.parquet")
    return calls, read_profile(f"llmservingsim:{folder}", config), config


@pytest.mark.slow
def test_a_saturated_rtx_4090_is_met_within_the_errors_that_we_promise() -> None:
    """Mean end to end within 2 %, time to first token 3 % (its 95th percentile 10 %), per output token 1 %."""
    calls, cost, config = rtx4090(KvSkew.AUTO)
    run = serve_calls(calls, cost, config)
    real = pl.read_parquet(shared_path("data/serving/RTX4090__Llama-3.1-8B__vllm_requests.parquet"))
    real = real.sort(pl.col("request_id").str.strip_prefix("bench-").cast(pl.Int64))
    assert real["input_toks"].to_list() == calls.input_tokens.tolist()
    further = calls.output_tokens - 1
    times = run.times
    ours = {
        "ttft": (times.first_ns - times.requested_ns) / 1e9,
        "tpot": (times.last_ns - times.first_ns) / 1e9 / further,
        "e2e": (times.last_ns - times.requested_ns) / 1e9,
    }
    first, last, queued = (real[name].to_numpy() for name in ("first_token_ts", "last_token_ts", "queued_ts"))
    theirs = {"ttft": first - queued, "tpot": (last - first) / further, "e2e": last - queued}
    for name, most in (("ttft", 0.03), ("tpot", 0.01), ("e2e", 0.02)):
        assert ours[name].mean() == pytest.approx(theirs[name].mean(), rel=most), name
    assert np.quantile(ours["ttft"], 0.95) == pytest.approx(np.quantile(theirs["ttft"], 0.95), rel=0.10)
    assert times.preemptions_count.sum() == pytest.approx(190, abs=15)


@pytest.mark.slow
@pytest.mark.parametrize("kv_skew", [KvSkew.OFF, KvSkew.ON])
def test_both_schedulers_serve_the_run_alike_whether_or_not_the_longest_context_counts(kv_skew: KvSkew) -> None:
    calls, cost, config = rtx4090(kv_skew)
    run = serve_calls(calls, cost, config)
    settings = EngineSettings(
        blocks_count=config.kv_blocks - 1, max_sequences_count=config.max_num_seqs, prefix_caching=True
    )
    literal = replay_literally(calls, settings, lambda step: step_ns(cost, step))
    for name in ("scheduled_ns", "first_ns", "last_ns", "preemptions_count", "cached_tokens"):
        np.testing.assert_array_equal(getattr(run.times, name), getattr(literal.times, name))


def test_a_cost_asks_for_the_longest_context_only_where_it_counts(tmp_path: Path) -> None:
    folder = write_llmservingsim(tmp_path, skew=skew_rows(0.25, repeats=1))
    told: list[LlmServingSimCost] = [
        read_llmservingsim(folder, ProfileChoice(tp=1), layers=1, kv_skew=asked) for asked in (KvSkew.OFF, KvSkew.ON)
    ]
    assert [cost.WANTS_LONGEST for cost in told] == [False, True]


def test_vllm_keeps_a_block_and_reserves_no_room_for_answers(tmp_path: Path) -> None:
    cost = read_llmservingsim(write_llmservingsim(tmp_path), ProfileChoice(tp=1), layers=1)
    calls = EngineCalls.of(input_tokens=np.array([100]), output_tokens=np.array([29]))
    config = replace(read_config(CONFIG), max_num_seqs=4, max_num_batched_tokens=32, kv_blocks=8)
    with pytest.raises(DoesNotFit, match="call 0 needs 8 blocks; kv_blocks is 8"):
        serve_calls(calls, cost, config)
    with pytest.raises(BadConfig, match="preemption"):
        serve_calls(calls, cost, replace(config, preemption=Preemption.NONE))
