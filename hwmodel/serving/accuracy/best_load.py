"""The best load of an LLM on a chip: parallelism and concurrency searched for the most tokens per chip."""

from collections.abc import Sequence
from dataclasses import dataclass

from hwmodel.catalog import CatalogError, ChipDesign, LlmSpec
from hwmodel.serving.accuracy.closed_loop import ClosedLoop, LoopTimes, run_closed_loop
from hwmodel.serving.accuracy.deployed import Setup, in_precision, replica_of
from hwmodel.serving.errors import DoesNotFit
from hwmodel.serving.outcomes.pareto import divisions
from hwmodel.serving.replay import Scheduler
from hwmodel.timing import HOST_STEP_S

WIDTHS = (1, 2, 4, 8)
"""Tensor-parallel widths of one server."""
CONCURRENCIES = tuple(2**power for power in range(2, 12))
ROUNDS = 4
LOADED = Scheduler(max_sequences_count=2048, max_batched_tokens=8192, prefix_caching=False)
"""An engine set up for throughput."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked, and what each user must get."""

    input_tokens: int
    output_tokens: int
    tpot_limit_s: float = float("inf")
    ttft_limit_s: float = float("inf")
    """Of calls that arrive one by one, not of those that all start at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BestLoad:
    """The set-up with the most output tokens per second and chip."""

    output_tokens_per_s: float
    """Per chip."""
    tp_count: int
    ep_count: int
    attention_dp_count: int
    concurrency: int
    times: LoopTimes


def best_load(
    llm: LlmSpec,
    chip: ChipDesign,
    load: Load,
    *,
    precision: str,
    widths: Sequence[int] = WIDTHS,
    host_step_s: float = HOST_STEP_S,
) -> BestLoad | None:
    """The best over ranks, experts and attention divided over them or not, and concurrency; None where nothing fits."""
    best: BestLoad | None = None
    for tp_count in widths:
        for ep_count, groups_count in divisions(llm, tp_count):
            setup = in_precision(
                llm, precision, chip, tp_count=tp_count, ep_count=ep_count, attention_dp_count=groups_count
            )
            found = _best_concurrency(setup, chip, load, host_step_s)
            if found is not None and (best is None or found.output_tokens_per_s > best.output_tokens_per_s):
                best = found
    return best


def _best_concurrency(setup: Setup, chip: ChipDesign, load: Load, host_step_s: float) -> BestLoad | None:
    """Doubles the users until the limits break or nothing is gained."""
    deployment = setup.deployment
    bounds = LOADED.of_groups(deployment.attention_dp_count)
    best: BestLoad | None = None
    try:
        replica = replica_of(setup, chip, bounds, host_step_s=host_step_s)
        for concurrency in CONCURRENCIES:
            loop = ClosedLoop(concurrency=concurrency, input_tokens=load.input_tokens, output_tokens=load.output_tokens)
            times = run_closed_loop(loop, replica, bounds, rounds_count=ROUNDS)
            per_chip = times.output_tokens_per_s / deployment.tp_count
            gains = best is None or per_chip > best.output_tokens_per_s
            if times.tpot_s > load.tpot_limit_s or times.later_ttft_s > load.ttft_limit_s or not gains:
                break
            best = BestLoad(
                output_tokens_per_s=per_chip,
                tp_count=deployment.tp_count,
                ep_count=deployment.ep_count,
                attention_dp_count=deployment.attention_dp_count,
                concurrency=concurrency,
                times=times,
            )
    except (DoesNotFit, CatalogError):
        return best
    return best
