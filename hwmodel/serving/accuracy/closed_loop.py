"""A closed loop: a fixed number of users, each asking again as soon as the last answer has ended."""

from dataclasses import dataclass

import numpy as np

from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.engine import EngineCalls, Outcome
from hwmodel.serving.errors import DoesNotFit
from hwmodel.serving.fast import replay_fast
from hwmodel.serving.replay import Replica, Scheduler, replica_settings

ROUNDS_COUNT = 10
"""Calls per user. Published: the InferenceX harness asks ten times its concurrency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedLoop:
    """A load of `concurrency` users."""

    concurrency: int
    input_tokens: int
    output_tokens: int
    least_length_ratio: float = 1.0
    """Lengths are uniform between this share of the nominal length and all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopTimes:
    """What the users of a closed loop see, and what the replica does."""

    tpot_s: float
    """Mean time per token after the first."""
    ttft_s: float
    """Mean time to the first token, of the whole run."""
    later_ttft_s: float
    """Mean time to the first token of all rounds but the first, whose calls come at once."""
    output_tokens_per_s: float
    steps_count: int


def closed_loop_calls(loop: ClosedLoop, rounds_count: int = ROUNDS_COUNT) -> EngineCalls:
    """The calls, round by round; lengths are spread evenly over their range, in an order of their own per column."""
    size = loop.concurrency * rounds_count
    user = np.arange(size)
    return EngineCalls.of(
        start_ns=np.zeros(size, dtype=np.int64),
        after=np.where(user < loop.concurrency, -1, user - loop.concurrency),
        input_tokens=_lengths(loop.input_tokens, loop.least_length_ratio, size, (5**0.5 - 1) / 2),
        output_tokens=_lengths(loop.output_tokens, loop.least_length_ratio, size, 2**0.5 - 1),
    )


def run_closed_loop(
    loop: ClosedLoop, replica: Replica, scheduler: Scheduler, *, rounds_count: int = ROUNDS_COUNT
) -> LoopTimes:
    """Times of the whole run, as a load generator reports them: first round, which starts together, included.

    Raises:
        DoesNotFit: Not even one call fits the cache.
    """
    settings = replica_settings(replica, scheduler)
    needed = -(-(loop.input_tokens + loop.output_tokens) // settings.block_tokens) + settings.state_blocks_count
    if needed > settings.blocks_count:
        raise DoesNotFit(
            f"one call takes {needed} blocks of cache, the replica has {settings.blocks_count}; use more ranks"
        )
    calls = closed_loop_calls(loop, rounds_count)
    run = replay_fast(calls, settings, replica.cost)
    times = run.times
    done = times.outcome == Outcome.DONE
    return LoopTimes(
        tpot_s=float(times.tpot_s[done].mean()),
        ttft_s=float(times.ttft_s[done].mean()),
        later_ttft_s=float(times.ttft_s[done & (calls.after >= 0)].mean()),
        output_tokens_per_s=float(calls.output_tokens[done].sum() / (times.last_ns[done].max() / NS_PER_S)),
        steps_count=run.steps_count,
    )


def _lengths(most: int, least_ratio: float, size: int, step: float) -> np.ndarray:
    """Lengths at multiples of an irrational step: evenly spread however many are taken."""
    unit = np.arange(1, size + 1) * step % 1.0
    return np.maximum(np.rint(most * (least_ratio + (1.0 - least_ratio) * unit)), 1).astype(np.int64)
