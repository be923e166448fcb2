"""Speed and throughput of prefill and decode replicas in steady service, in closed form over their step costs.

Each decode replica always has `batch` calls, so its steps only decode and take the same time; each call stays for all
its tokens but the first. So many calls a second need prompts and transfers: where prefill replicas or their links
cannot keep up, the decode replicas are not full, and there is no such point. Prompts wait for nobody, as in the closed
form of one pool.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.outcomes.operating_points import (
    OperatingPoint,
    Workload,
    holds,
    step_decoding_ns,
    steps_of_prompt_ns,
)
from hwmodel.serving.replay import Replica, Scheduler
from hwmodel.serving.split.sending import sending_ns
from hwmodel.serving.split.settings import LinkTimes
from hwmodel.serving.step_cost import StepCost, step_ns
from hwmodel.serving.step_features import StepFeatures


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Prefill and decode replicas, and the link out of each of the former."""

    prefill: Replica
    decode: Replica
    prefill_count: int
    decode_count: int
    link: LinkTimes

    @property
    def chips_count(self) -> int:
        """Chips of both pools."""
        return self.prefill_count * self.prefill.chips_count + self.decode_count * self.decode.chips_count


def split_operating_points(
    pools: Pools, workload: Workload, scheduler: Scheduler, batches: Iterable[int]
) -> tuple[OperatingPoint, ...]:
    """The points of those batches per decode replica that fit its cache and that prompts keep up with."""
    prompts_per_s = most_prompts_per_s(pools, workload, scheduler)
    found = []
    for batch in batches:
        if batch > scheduler.max_sequences_count or not holds(pools.decode, workload, batch):
            continue
        further = workload.output_tokens - 1
        tpot_s = step_decoding_ns(pools.decode.plain_cost, batch, workload.input_tokens + further / 2.0) / NS_PER_S
        calls_per_s = pools.decode_count * batch / (further * tpot_s)
        if calls_per_s <= prompts_per_s:
            found.append(_point(pools, workload, scheduler, batch, tpot_s, calls_per_s))
    return tuple(found)


def most_prompts_per_s(pools: Pools, workload: Workload, scheduler: Scheduler) -> float:
    """What prefill replicas compute and send: one prompt after the other, or as many in a step as its budget takes."""
    budget, tokens = scheduler.max_batched_tokens, workload.input_tokens
    together = max(budget // tokens, 1)
    alone_ns = steps_of_prompt_ns(pools.prefill.plain_cost, 0, 0.0, tokens, budget)
    computed_ns = min(
        alone_ns, _prompts_ns(pools.prefill.plain_cost, tokens, together) / together if together > 1 else alone_ns
    )
    slowest_ns = max(computed_ns, sending_ns(pools.link, tokens, 1))
    return pools.prefill_count * NS_PER_S / slowest_ns


def _prompts_ns(cost: StepCost, tokens: int, count: int) -> int:
    """Of a step with several whole prompts."""
    whole = count * tokens
    return step_ns(cost, StepFeatures(whole, count * tokens**2, count, 0, whole, count, 0, 0, 0))


def _point(
    pools: Pools, workload: Workload, scheduler: Scheduler, batch: int, tpot_s: float, calls_per_s: float
) -> OperatingPoint:
    ttft_ns = steps_of_prompt_ns(pools.prefill.plain_cost, 0, 0.0, workload.input_tokens, scheduler.max_batched_tokens)
    tokens_per_s = calls_per_s * workload.output_tokens
    return OperatingPoint(
        batch_count=batch,
        ttft_s=ttft_ns / NS_PER_S,
        tpot_s=tpot_s,
        tokens_per_s_per_user=1.0 / tpot_s,
        tokens_per_s=tokens_per_s,
        tokens_per_s_per_chip=tokens_per_s / pools.chips_count,
    )
