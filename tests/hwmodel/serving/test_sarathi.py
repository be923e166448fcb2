"""The compiled Sarathi scheduler against the one written out in lists, and against Vidur's own run."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hwmodel.serving.config import SchedulerKind, ServingConfig, read_config
from hwmodel.serving.engine import EngineCalls
from hwmodel.serving.errors import BadCalls, DoesNotFit
from hwmodel.serving.profiles import VidurCost, read_profile, read_vidur
from hwmodel.serving.serve import serve_calls
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.traces import read_trace
from tests.hwmodel.serving.literal_sarathi import Call, LiteralSarathi
from tests.hwmodel.serving.profiles.profile_files import write_vidur
from tests.shared_data import shared_path

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "serving"


@pytest.fixture(scope="module")
def cost(tmp_path_factory: pytest.TempPathFactory) -> VidurCost:
    return read_vidur(write_vidur(tmp_path_factory.mktemp("vidur")), layers=2, tp=2, batching_factor_ratio=1.1)


def random_calls(rng: np.random.Generator) -> EngineCalls:
    """Up to forty calls, some at the same moment, some of one token, the longest with 300 tokens."""
    size = int(rng.integers(1, 40))
    gap_ns = rng.choice([0, 1_000_000, 20_000_000], size) * rng.integers(0, 3, size)
    return EngineCalls.of(
        start_ns=rng.permutation(np.cumsum(gap_ns)),
        input_tokens=rng.choice([1, 2, 15, 16, 17, 60, 200], size),
        output_tokens=rng.choice([1, 2, 16, 40, 100], size),
    )


def longest(calls: EngineCalls) -> int:
    return int((calls.input_tokens + calls.output_tokens).max())


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


def literal(calls: EngineCalls, config: ServingConfig, cost: VidurCost) -> tuple[list[Call], LiteralSarathi]:
    rows = zip(calls.start_ns, calls.input_tokens, calls.output_tokens, strict=True)
    listed = [Call(number, int(at), int(prompt), int(output)) for number, (at, prompt, output) in enumerate(rows)]
    engine = LiteralSarathi(
        sequences=config.max_num_seqs,
        chunk=config.max_num_batched_tokens,
        block_tokens=config.block_tokens,
        blocks=config.kv_blocks,
        watermark=int(0.01 * config.kv_blocks),
        step_ns=lambda step: step_ns(cost, step),
    )
    engine.serve(listed)
    return listed, engine


@pytest.mark.parametrize("seed", range(60))
def test_compiled_and_literal_rule_serve_every_call_at_the_same_nanosecond(cost: VidurCost, seed: int) -> None:
    rng = np.random.default_rng(seed)
    calls = random_calls(rng)
    block_tokens = int(rng.choice([1, 4, 16]))
    least = -(-longest(calls) // block_tokens)
    kv_blocks = int(least * rng.choice([1.02, 1.5, 4.0])) + int(rng.integers(1, 4))
    config = settings(int(rng.integers(1, 7)), int(rng.choice([1, 7, 16, 32])), block_tokens, kv_blocks)
    served = serve_calls(calls, cost, config)
    listed, engine = literal(calls, config, cost)
    assert served.steps_count == len(engine.steps)
    assert served.computed_tokens == sum(step.chunk_tokens + step.decoding for step in engine.steps)
    assert served.busy_ns.tolist() == [sum(step_ns(cost, step) for step in engine.steps)]
    for name in ("scheduled_ns", "first_ns", "last_ns"):
        np.testing.assert_array_equal(getattr(served.times, name), [getattr(call, name) for call in listed])
    np.testing.assert_array_equal(served.times.preemptions_count, [call.restarts for call in listed])
    assert engine.used == 0
    assert engine.holders == set()


def test_the_random_traces_do_force_restarts(cost: VidurCost) -> None:
    restarts = []
    for seed in range(10):
        calls = random_calls(np.random.default_rng(seed))
        config = settings(6, 16, 4, -(-longest(calls) // 4) + 4)
        restarts.append(serve_calls(calls, cost, config).times.preemptions_count.sum())
    assert sum(restarts) > 20


def test_calls_take_their_tokens_in_order_and_not_before_they_arrive(cost: VidurCost) -> None:
    calls = random_calls(np.random.default_rng(5))
    times = serve_calls(calls, cost, settings(4, 16, 4, 200)).times
    assert (times.scheduled_ns >= times.requested_ns).all()
    assert (times.first_ns > times.scheduled_ns).all()
    assert (times.last_ns >= times.first_ns).all()
    one_token = calls.output_tokens == 1
    np.testing.assert_array_equal(times.last_ns[one_token], times.first_ns[one_token])


def test_a_call_that_no_cache_could_hold_is_refused(cost: VidurCost) -> None:
    calls = EngineCalls.of(input_tokens=np.array([5, 200]), output_tokens=np.array([5, 100]))
    with pytest.raises(DoesNotFit, match=r"call 1 needs 50 blocks.*kv_blocks is 49"):
        serve_calls(calls, cost, settings(4, 16, 4, 49))
    with pytest.raises(DoesNotFit, match=r"1 of 2 calls wait for ever.*kv_blocks is 74"):
        serve_calls(calls, cost, settings(4, 16, 4, 74))


def test_a_call_that_just_fits_is_restarted_for_want_of_a_spare_block(cost: VidurCost) -> None:
    """It holds 75 blocks for its last tokens; Vidur asks for a free one before every token, needed or not."""
    calls = EngineCalls.of(input_tokens=np.array([200]), output_tokens=np.array([100]))
    restarts = [serve_calls(calls, cost, settings(4, 16, 4, kv)).times.preemptions_count[0] for kv in (75, 76)]
    assert restarts == [2, 0]


def test_calls_that_follow_others_are_not_served_by_vidurs_rule(cost: VidurCost) -> None:
    two = np.array([10, 10])
    calls = EngineCalls.of(input_tokens=two, output_tokens=two, after=np.array([-1, 0]))
    with pytest.raises(BadCalls, match="stand alone"):
        serve_calls(calls, cost, settings(4, 16, 4, 75))


def test_vidurs_own_run_is_met_call_by_call() -> None:
    """Its code case: 3,000 calls, CodeLlama-34B on two A100; the times of both are sums of the same tables."""
    folder = shared_path("data/serving/case2_code_trace.csv").parent
    config = read_config(EXAMPLES / "case2_code_vidur.yaml")
    cost = read_profile(f"vidur:{folder / 'case2_code_kernel_tables.parquet'}", config)
    served = serve_calls(read_trace(folder / "case2_code_trace.csv"), cost, config)
    vidur = pl.read_parquet(folder / "case2_code_vidur_requests.parquet")
    assert served.steps_count == 28_111
    for ours, theirs in (
        ("scheduled_ns", "scheduled_at"),
        ("first_ns", "prefill_completed_at"),
        ("last_ns", "completed_at"),
    ):
        np.testing.assert_allclose(getattr(served.times, ours) / 1e9, vidur[theirs].to_numpy(), rtol=0, atol=1e-4)
    np.testing.assert_array_equal(served.times.preemptions_count, vidur["num_restarts"].to_numpy())
