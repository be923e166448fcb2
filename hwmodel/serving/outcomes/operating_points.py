"""Speed and throughput of one replica in steady service, in closed form over its step costs.

`batch` calls of one prompt and answer length are always on the replica, as under closed-loop load. Per turn of a call,
of L = n + output - 1 steps, each call brings n steps with a chunk of its prompt beside the decoding of the others, and
all other steps only decode; so `batch x n` of the L steps carry a chunk, one call's each. Where that is more than L
the replica is busy with prompts alone and a larger batch only waits: there is no such point.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.errors import BadLimits
from hwmodel.serving.replay import Replica, Scheduler
from hwmodel.serving.step_cost import StepCost, step_ns
from hwmodel.serving.step_features import StepFeatures


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Calls of one length."""

    input_tokens: int
    output_tokens: int

    def __post_init__(self) -> None:
        if self.input_tokens < 1 or self.output_tokens < 2:
            raise BadLimits(
                f"{self.input_tokens} input and {self.output_tokens} output tokens: give at least 1 and 2, for time "
                "per further token needs one"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """Steady service of a batch."""

    batch_count: int
    ttft_s: float
    """Of a call that does not wait."""
    tpot_s: float
    """Time per further token, chunks of others' prompts included."""
    tokens_per_s_per_user: float
    """1 / tpot_s."""
    tokens_per_s: float
    """Output tokens of the replica."""
    tokens_per_s_per_chip: float


def operating_points(
    replica: Replica, workload: Workload, scheduler: Scheduler, batches: Iterable[int]
) -> tuple[OperatingPoint, ...]:
    """The points of those batches that fit the cache and are not held up by prompts.

    Raises:
        BadLimits: The replica speculates: the closed form knows of no drafts.
    """
    cost = replica.plain_cost
    found = (_point(replica, cost, workload, scheduler, batch) for batch in batches if holds(replica, workload, batch))
    return tuple(point for point in found if point is not None)


def holds(replica: Replica, workload: Workload, batch: int) -> bool:
    """Whether the cache holds all calls at their longest, so that none is ever interrupted."""
    return batch * (workload.input_tokens + workload.output_tokens + replica.state_tokens) <= replica.capacity_tokens


def _point(
    replica: Replica, cost: StepCost, workload: Workload, scheduler: Scheduler, batch: int
) -> OperatingPoint | None:
    chunk = min(workload.input_tokens, scheduler.max_batched_tokens - (batch - 1))
    if batch > scheduler.max_sequences_count or chunk < 1:
        return None
    chunks = -(-workload.input_tokens // chunk)
    further = workload.output_tokens - 1
    if (batch - 1) * chunks > further:
        return None
    context = workload.input_tokens + further / 2.0
    decoding_ns = step_decoding_ns(cost, batch, context)
    prompt_ns = steps_of_prompt_ns(cost, batch - 1, context, workload.input_tokens, chunk)
    others_ns = (batch - 1) * (prompt_ns - chunks * decoding_ns)
    tpot_s = (decoding_ns + others_ns / further) / NS_PER_S
    turn_s = prompt_ns / NS_PER_S + further * tpot_s
    tokens_per_s = batch * workload.output_tokens / turn_s
    return OperatingPoint(
        batch_count=batch,
        ttft_s=prompt_ns / NS_PER_S,
        tpot_s=tpot_s,
        tokens_per_s_per_user=1.0 / tpot_s,
        tokens_per_s=tokens_per_s,
        tokens_per_s_per_chip=tokens_per_s / replica.chips_count,
    )


def step_decoding_ns(cost: StepCost, decoding: int, context: float) -> int:
    """Of a step that only decodes."""
    return step_ns(cost, StepFeatures(0, 0, 0, 0, 0, decoding, decoding, round(decoding * context), round(context)))


def steps_of_prompt_ns(cost: StepCost, decoding: int, context: float, prompt: int, most: int) -> int:
    """Of all steps with a chunk of one prompt, beside decoding calls."""
    total = 0
    for before in range(0, prompt, most):
        chunk = min(most, prompt - before)
        is_last = before + chunk == prompt
        total += step_ns(
            cost,
            StepFeatures(
                chunk_tokens=chunk,
                chunk_squares=chunk * chunk,
                prompt_count=1,
                prompt_context=chunk * before,
                prompt_kv=chunk + before,
                emitting=decoding + is_last,
                decoding=decoding,
                decode_kv=round(decoding * context),
                longest_kv=round(context),
            ),
        )
    return total
