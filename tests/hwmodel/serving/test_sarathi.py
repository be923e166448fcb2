"""The compiled Sarathi scheduler against the one written out in lists, and against Vidur's own run."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hwmodel.serving.calls import CallTimes, TraceCalls
from hwmodel.serving.config import SchedulerKind, ServingConfig, read_config
from hwmodel.serving.engine import serve_calls
from hwmodel.serving.errors import DoesNotFit
from hwmodel.serving.profiles import VidurCost, profile_step_ns, read_vidur
from hwmodel.serving.profiles.read import read_profile
from hwmodel.serving.traces import read_trace
from tests.hwmodel.serving.literal_sarathi import Call, LiteralSarathi
from tests.hwmodel.serving.profiles.profile_files import write_vidur
from tests.shared_data import shared_path

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "serving"


@pytest.fixture(scope="module")
def cost(tmp_path_factory: pytest.TempPathFactory) -> VidurCost:
    return read_vidur(write_vidur(tmp_path_factory.mktemp("vidur")), layers=2, tp=2, batching_factor_ratio=1.1)


def random_calls(rng: np.random.Generator) -> TraceCalls:
    """Up to forty calls, some at the same moment, some of one token, the longest with 300 tokens."""
    size = int(rng.integers(1, 40))
    gap_ns = rng.choice([0, 1_000_000, 20_000_000], size) * rng.integers(0, 3, size)
    return TraceCalls(
        arrival_ns=rng.permutation(np.cumsum(gap_ns)),
        prompt_tokens=rng.choice([1, 2, 15, 16, 17, 60, 200], size),
        output_tokens=rng.choice([1, 2, 16, 40, 100], size),
    )


def settings(sequences: int, chunk: int, block_tokens: int, kv_blocks: int) -> ServingConfig:
    return ServingConfig(
        scheduler=SchedulerKind.SARATHI_VIDUR,
        max_num_seqs=sequences,
        max_num_batched_tokens=chunk,
        block_tokens=block_tokens,
        kv_blocks=kv_blocks,
        layers=2,
        tp=2,
    )


def literal(calls: TraceCalls, config: ServingConfig, cost: VidurCost) -> tuple[list[Call], LiteralSarathi]:
    rows = zip(calls.arrival_ns, calls.prompt_tokens, calls.output_tokens, strict=True)
    listed = [Call(number, int(at), int(prompt), int(output)) for number, (at, prompt, output) in enumerate(rows)]
    engine = LiteralSarathi(
        sequences=config.max_num_seqs,
        chunk=config.max_num_batched_tokens,
        block_tokens=config.block_tokens,
        blocks=config.kv_blocks,
        watermark=int(0.01 * config.kv_blocks),
        step_ns=lambda step: profile_step_ns(cost, step),
    )
    engine.serve(listed)
    return listed, engine


@pytest.mark.parametrize("seed", range(60))
def test_compiled_and_literal_rule_serve_every_call_at_the_same_nanosecond(cost: VidurCost, seed: int) -> None:
    rng = np.random.default_rng(seed)
    calls = random_calls(rng)
    block_tokens = int(rng.choice([1, 4, 16]))
    least = -(-calls.longest_tokens() // block_tokens)
    kv_blocks = int(least * rng.choice([1.05, 1.5, 4.0])) + 3
    config = settings(int(rng.integers(1, 7)), int(rng.choice([1, 7, 16, 32])), block_tokens, kv_blocks)
    served = serve_calls(calls, cost, config)
    listed, engine = literal(calls, config, cost)
    assert served.iterations_count == len(engine.steps)
    for name, times in (
        ("scheduled_ns", served.scheduled_s),
        ("first_ns", served.first_token_s),
        ("last_ns", served.last_token_s),
    ):
        np.testing.assert_array_equal(times, [getattr(call, name) / 1e9 for call in listed])
    np.testing.assert_array_equal(served.preemptions_count, [call.restarts for call in listed])
    assert engine.used == 0
    assert engine.holders == set()


def test_the_random_traces_do_force_restarts(cost: VidurCost) -> None:
    restarts = []
    for seed in range(10):
        calls = random_calls(np.random.default_rng(seed))
        config = settings(6, 16, 4, -(-calls.longest_tokens() // 4) + 4)
        restarts.append(serve_calls(calls, cost, config).preemptions_count.sum())
    assert sum(restarts) > 20


def test_calls_take_their_tokens_in_order_and_not_before_they_arrive(cost: VidurCost) -> None:
    served = serve_calls(random_calls(np.random.default_rng(5)), cost, settings(4, 16, 4, 200))
    assert (served.scheduled_s >= served.queued_s).all()
    assert (served.first_token_s > served.scheduled_s).all()
    assert (served.last_token_s >= served.first_token_s).all()
    one_token = served.output_tokens == 1
    np.testing.assert_array_equal(served.last_token_s[one_token], served.first_token_s[one_token])
    assert np.isnan(served.tpot_s[one_token]).all()


def test_a_call_that_no_cache_could_hold_is_refused(cost: VidurCost) -> None:
    calls = TraceCalls(arrival_ns=np.array([0]), prompt_tokens=np.array([200]), output_tokens=np.array([100]))
    with pytest.raises(DoesNotFit, match="kv_blocks is 75"):
        serve_calls(calls, cost, settings(4, 16, 4, 75))
    assert serve_calls(calls, cost, settings(4, 16, 4, 76)).preemptions_count.sum() == 0


def vidur_case() -> tuple[CallTimes, pl.DataFrame]:
    folder = shared_path("data/serving/case2_code_trace.csv").parent
    config = read_config(EXAMPLES / "case2_code_vidur.yaml")
    cost = read_profile(f"vidur:{folder / 'case2_code_kernel_tables.parquet'}", config)
    served = serve_calls(read_trace(folder / "case2_code_trace.csv"), cost, config)
    return served, pl.read_parquet(folder / "case2_code_vidur_requests.parquet")


def test_vidurs_own_run_is_met_call_by_call() -> None:
    """Its code case: 3,000 calls, CodeLlama-34B on two A100; the times of both are sums of the same tables."""
    served, vidur = vidur_case()
    assert served.iterations_count == 28_111
    for ours, name in ((served.ttft_s, "ttft"), (served.tpot_s, "tpot"), (served.duration_s, "e2e")):
        theirs = vidur[name].to_numpy()
        for q in (0.5, 0.99):
            assert np.quantile(ours, q) == pytest.approx(np.quantile(theirs, q), rel=1e-6)
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_array_equal(served.preemptions_count, vidur["num_restarts"].to_numpy())
