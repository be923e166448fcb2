"""One replay: demand on a fleet of equal replicas, with the times of every call and what the steps were made of."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hwmodel.serving.bins import Bins, fresh_bins
from hwmodel.serving.compiled import run_compiled
from hwmodel.serving.demand import NS_PER_S, ReplayDemand
from hwmodel.serving.errors import DoesNotFit
from hwmodel.serving.state import Limits, Machine, machine_of
from hwmodel.serving.step_cost import StepCost


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """Settings of the serving engine on one replica."""

    max_sequences_count: int = 256
    max_batched_tokens: int = 2048
    """Token budget of a step. vLLM's default for online serving: larger chunks hold up the decoding calls."""
    prefix_caching: bool = True
    grace_s: float = 150.0
    """How long after the last own start the replay goes on; calls not done by then count as never done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One replica of an LLM on a design: its step costs and its room for context."""

    cost: StepCost
    capacity_tokens: int
    """KV tokens that fit beside the weights."""
    state_tokens: int
    """Of these, taken by each sequence's fixed state."""
    chips_count: int

    def __post_init__(self) -> None:
        if self.capacity_tokens <= self.state_tokens:
            raise DoesNotFit(
                f"{self.capacity_tokens} tokens of cache beside the weights do not hold one sequence "
                f"(its state alone takes {self.state_tokens}); use more tensor-parallel ranks or more memory"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """Times of every call, in the demand's order; NaN where something did not happen before the horizon."""

    requested_s: Float[np.ndarray, "calls"]
    queued_s: Float[np.ndarray, "calls"]
    ttft_s: Float[np.ndarray, "calls"]
    tpot_s: Float[np.ndarray, "calls"]
    """Mean time per output token after the first; 0 for one-token answers."""
    duration_s: Float[np.ndarray, "calls"]
    cached_tokens: Int[np.ndarray, "calls"]
    is_met: Bool[np.ndarray, "calls"]
    """Inside both limits of its service level."""
    replicas_count: int
    steps_count: int
    busy_s: float
    """Time that replicas spent in steps, all together."""
    span_s: float
    """First request to last token."""
    bins: Bins


def replay(
    demand: ReplayDemand,
    replica: Replica,
    *,
    replicas_count: int,
    scheduler: Scheduler,
    counting: bool = False,
) -> ReplayResult:
    """Serve the demand on `replicas_count` equal replicas behind a prefix-affine, least-loaded router."""
    horizon_ns = int(demand.start_ns.max()) + int(scheduler.grace_s * NS_PER_S)
    limits = Limits(
        replica.capacity_tokens,
        replica.state_tokens,
        scheduler.max_sequences_count,
        scheduler.max_batched_tokens,
        horizon_ns,
        scheduler.prefix_caching,
    )
    machine = machine_of(demand, replicas_count, limits, replica.cost, fresh_bins(counting=counting))
    steps_count = run_compiled(machine)
    return _result(demand, machine, steps_count)


def _result(demand: ReplayDemand, machine: Machine, steps_count: int) -> ReplayResult:
    calls = machine.calls
    requested, scheduled, first, last = (
        np.where(calls[name] >= 0, calls[name] / NS_PER_S, np.nan)
        for name in ("requested_ns", "scheduled_ns", "first_ns", "last_ns")
    )
    after_first = np.maximum(demand.output_tokens - 1, 1)
    ttft_s = first - requested
    tpot_s = (last - first) / after_first
    is_met = (ttft_s <= demand.ttft_limit_s) & (tpot_s <= demand.tpot_limit_s)
    span_s = float(np.nanmax(last) - np.nanmin(requested)) if np.isfinite(last).any() else 0.0
    return ReplayResult(
        requested_s=requested,
        queued_s=scheduled - requested,
        ttft_s=ttft_s,
        tpot_s=tpot_s,
        duration_s=last - requested,
        cached_tokens=calls["cached_tokens"],
        is_met=is_met,
        replicas_count=machine.replicas.size,
        steps_count=steps_count,
        busy_s=float(machine.replicas["busy_ns"].sum()) / NS_PER_S,
        span_s=span_s,
        bins=machine.bins,
    )
