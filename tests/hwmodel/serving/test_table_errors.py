"""Steps as a replay makes them: their time out of tables against the chip model's own answer."""

from functools import cache

import numpy as np
import pytest

from hwmodel.catalog import Deployment, DesignTable, design_of, load_catalog
from hwmodel.kernels import StepStates
from hwmodel.serving import Scheduler, StepTimer, step_cost_tables
from hwmodel.serving.engine import EngineCalls, EngineSettings
from hwmodel.serving.reference import replay_literally
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_features import StepFeatures
from hwmodel.serving.step_timer import KernelGroup
from tests.hwmodel.serving.chips import cost_of

SERVED = (
    ("h100-sxm", "gpt-oss-120b", 2),
    ("a100-sxm-80", "gpt-oss-120b", 2),
    ("mi300x", "gpt-oss-120b", 2),
    ("b200-sxm", "qwen3-next-80b-a3b", 4),
    ("gb200-nvl72", "deepseek-r1", 8),
    ("h200-sxm", "llama-3.1-70b", 4),
)
"""Chip, LLM and ranks."""
LOADS = ((5.0, 200, 300), (2.0, 400, 3000), (20.0, 100, 500), (1.0, 200, 12_000))
"""Calls per second, mean tokens of answers, and tokens of the median prompt."""
STEPS_PER_LOAD = 300


def calls_of(rng: np.random.Generator, rate: float, answer_tokens: int, prompt_tokens: int) -> EngineCalls:
    """Poisson calls whose prompts spread over two orders of magnitude, a third of them behind a shared prefix."""
    size = 30
    parent = np.where(rng.random(size) < 0.3, np.arange(size) - 1, -1)
    return EngineCalls.of(
        start_ns=np.cumsum(rng.exponential(1e9 / rate, size)).astype(np.int64),
        input_tokens=np.clip(rng.lognormal(np.log(prompt_tokens), 1.2, size), 1, 1e5).astype(np.int64),
        output_tokens=np.maximum(1, rng.exponential(answer_tokens, size)).astype(np.int64),
        parent=parent,
        shared_tokens=rng.integers(0, 2 * prompt_tokens, size),
    )


@cache
def steps_seen() -> tuple[StepFeatures, ...]:
    """Steps of a literal replay of every load on the bench's deployment, some of each."""
    rng, cost = np.random.default_rng(0), cost_of("gpt-oss-120b")
    chosen: list[StepFeatures] = []
    for load in LOADS:
        seen: list[StepFeatures] = []

        def timed(features: StepFeatures, seen: list[StepFeatures] = seen) -> int:
            seen.append(features)
            return step_ns(cost, features)

        replay_literally(calls_of(rng, *load), EngineSettings(blocks_count=100_000), timed)
        chosen += [seen[at] for at in rng.choice(len(seen), STEPS_PER_LOAD, replace=False)]
    return tuple(chosen)


def states_of(steps: tuple[StepFeatures, ...]) -> StepStates:
    """All prompts of a step count as one, as they do in the chip model."""
    columns = dict(zip(StepFeatures._fields, np.array(steps, dtype=np.float64).T, strict=True))
    chunk = columns["chunk_tokens"]
    return StepStates(
        prefill_tokens=chunk,
        prefill_context_tokens=columns["prompt_context"] / np.maximum(chunk, 1.0),
        decode_sequences=columns["decoding"],
        decode_kv_tokens=columns["decode_kv"],
    )


@pytest.mark.parametrize(("chip", "llm", "tp_count"), SERVED)
def test_steps_of_a_replay_are_off_by_a_tenth_of_a_percent_and_19_of_20_by_less_than_half_a_percent(
    chip: str, llm: str, tp_count: int
) -> None:
    """Issue bound: 0.5 %. The rest, one in a hundred at most, lies where a wave of work ends between grid points."""
    catalog = load_catalog()
    timer = StepTimer(
        designs=DesignTable.of([design_of(catalog.chip(chip))]),
        llm=catalog.llm(llm),
        deployment=Deployment(tp_count=tp_count),
    )
    cost = step_cost_tables(timer, scheduler=Scheduler()).cost(0)
    steps = steps_seen()
    direct_ns = np.sum(timer.groups_ns(tuple(KernelGroup), states_of(steps)), axis=0)[0]
    off = np.abs(np.array([step_ns(cost, step) for step in steps]) / direct_ns - 1.0)
    told = f"mean {off.mean():.4%}, p95 {np.quantile(off, 0.95):.3%}, p99 {np.quantile(off, 0.99):.3%}, max {off.max():.2%}"
    assert off.mean() < 0.0012, told
    assert np.quantile(off, 0.95) < 0.004, told
    assert np.quantile(off, 0.99) < 0.007, told
    assert off.max() < 0.02, told
    assert sum(step.chunk_tokens > 0 for step in steps) > 30
