"""One replay: demand on a fleet of equal replicas, with the times of every call and what the steps were made of."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from hwmodel.serving.bins import Bins, fresh_bins
from hwmodel.serving.demand import NS_PER_S, ReplayDemand
from hwmodel.serving.engine import EngineCalls, EngineRun, EngineSettings, Outcome, Policy, Router, Speculation
from hwmodel.serving.errors import BadLimits, BadSettings, DoesNotFit
from hwmodel.serving.fast import replay_fast
from hwmodel.serving.speculative import replay_speculating
from hwmodel.serving.speculative.cost import SpeculativeCost
from hwmodel.serving.step_cost import StepCost


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """Settings of the serving engine on one replica."""

    max_sequences_count: int = 256
    max_batched_tokens: int = 2048
    """Token budget of a step. vLLM's default for online serving: larger chunks hold up the decoding calls."""
    block_tokens: int = 16
    prefix_caching: bool = True
    grace_s: float = 150.0
    """How long after the last own start the replay goes on; calls not done by then count as never done."""

    def of_groups(self, groups_count: int) -> "Scheduler":
        """Bounds of all groups together, each with these as its own (data-parallel attention)."""
        return replace(
            self,
            max_sequences_count=self.max_sequences_count * groups_count,
            max_batched_tokens=self.max_batched_tokens * groups_count,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One replica of an LLM on a design: its step costs and its room for context."""

    cost: StepCost | SpeculativeCost
    capacity_tokens: int
    """KV tokens that fit beside the weights."""
    state_tokens: int
    """Of these, taken by each sequence's fixed state."""
    chips_count: int
    speculation: Speculation | None = None
    """Drafts of every decoding call, for which `cost` must be made."""

    def __post_init__(self) -> None:
        if self.capacity_tokens <= self.state_tokens:
            raise DoesNotFit(
                f"{self.capacity_tokens} tokens of cache beside the weights do not hold one sequence "
                f"(its state alone takes {self.state_tokens}); use more tensor-parallel ranks or more memory"
            )

    @property
    def plain_cost(self) -> StepCost:
        """Step costs where nothing is drafted.

        Raises:
            BadLimits: The replica speculates.
        """
        if not isinstance(self.cost, StepCost):
            raise BadLimits("what is asked is told of replicas without speculation; replay calls to see drafts")
        return self.cost


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
    preemptions_count: Int[np.ndarray, "calls"]
    """How often it lost its cache and had to compute it again."""
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
    """Serve the demand on `replicas_count` equal replicas behind a prefix-affine, least-loaded router.

    Raises:
        BadSettings: Steps with drafts are to be counted: no bin tells how many tokens a sequence computes.
    """
    bins = fresh_bins(counting=counting)
    calls, settings = engine_calls(demand), engine_settings(demand, replica, scheduler)
    if replica.speculation is not None:
        if counting:
            raise BadSettings("steps with drafts are not counted into bins; replay without speculation for the bill")
        run = replay_speculating(calls, settings, replica.cost, replica.speculation, replicas_count=replicas_count)
        return _result(demand, run, bins)
    run = replay_fast(calls, settings, replica.cost, replicas_count=replicas_count, bins=bins, surface=demand.surface)
    return _result(demand, run, bins)


def engine_calls(demand: ReplayDemand) -> EngineCalls:
    """The demand as the engine takes it: tiers are priorities, warm prefixes come from outside."""
    return EngineCalls.of(
        start_ns=demand.start_ns,
        after=demand.after,
        gap_ns=demand.gap_ns,
        input_tokens=demand.input_tokens,
        output_tokens=demand.output_tokens,
        parent=demand.parent,
        shared_tokens=demand.shared_tokens,
        loaded_tokens=np.where(demand.is_warm, demand.shared_tokens, 0),
        priority=demand.tier,
    )


def engine_settings(demand: ReplayDemand, replica: Replica, scheduler: Scheduler) -> EngineSettings:
    """The engine of the fleet's replicas, and the end of the replay."""
    return replace(
        replica_settings(replica, scheduler),
        policy=Policy.PRIORITY,
        router=Router.PREFIX_AFFINE,
        horizon_ns=int(demand.start_ns.max()) + int(scheduler.grace_s * NS_PER_S),
    )


def replica_settings(replica: Replica, scheduler: Scheduler) -> EngineSettings:
    """The engine of one replica, first come first served."""
    block_tokens = scheduler.block_tokens
    return EngineSettings(
        blocks_count=max(replica.capacity_tokens // block_tokens, 1),
        block_tokens=block_tokens,
        max_sequences_count=scheduler.max_sequences_count,
        max_batched_tokens=scheduler.max_batched_tokens,
        prefix_caching=scheduler.prefix_caching,
        state_blocks_count=-(-replica.state_tokens // block_tokens),
    )


def _result(demand: ReplayDemand, run: EngineRun, bins: Bins) -> ReplayResult:
    times = run.times
    is_done = times.outcome == Outcome.DONE
    requested, scheduled, last = (
        np.where(happened, column / NS_PER_S, np.nan)
        for happened, column in (
            (times.requested_ns >= 0, times.requested_ns),
            (times.scheduled_ns >= 0, times.scheduled_ns),
            (is_done, times.last_ns),
        )
    )
    is_met = (times.ttft_s <= demand.ttft_limit_s) & (times.tpot_s <= demand.tpot_limit_s)
    span_s = float(np.nanmax(last) - np.nanmin(requested)) if is_done.any() else 0.0
    return ReplayResult(
        requested_s=requested,
        queued_s=scheduled - requested,
        ttft_s=times.ttft_s,
        tpot_s=times.tpot_s,
        duration_s=last - requested,
        cached_tokens=np.maximum(times.cached_tokens, 0),
        preemptions_count=times.preemptions_count,
        is_met=is_met,
        replicas_count=run.busy_ns.size,
        steps_count=run.steps_count,
        busy_s=float(run.busy_ns.sum()) / NS_PER_S,
        span_s=span_s,
        bins=bins,
    )
