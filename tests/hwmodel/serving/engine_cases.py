"""Calls and engines for the tests of both schedulers: planted ones by hand, and small random ones that force trouble."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from hwmodel.serving.bins import fresh_bins
from hwmodel.serving.engine import (
    NEVER,
    NONE,
    CallTimes,
    EngineCalls,
    EngineRun,
    EngineSettings,
    Policy,
    Router,
    owners_of,
)
from hwmodel.serving.fast import replay_fast
from hwmodel.serving.fast.replay import run_machine
from hwmodel.serving.fast.state import Machine, machine_of
from hwmodel.serving.reference import Replay
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_features import StepFeatures
from hwmodel.serving.weighted_cost import WeightedCost


def toy_cost(base_ns: int, weight: int) -> WeightedCost:
    """A step takes `base_ns`, and `weight` times a sum in which all that it computes counts."""
    return WeightedCost(base_ns, StepFeatures(*(weight * each for each in (1000, 1, 7, 1, 2, 11, 13, 10, 5, 17))))


TEN_NS = toy_cost(10, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCase:
    """All that a scheduler takes."""

    calls: EngineCalls
    settings: EngineSettings
    replicas_count: int = 1
    cost: WeightedCost = TEN_NS


Watch = Callable[[Replay, int], None]


def served_literally(case: EngineCase, watch: Watch | None = None) -> EngineRun:
    replay = Replay(case.calls, case.settings, lambda f: step_ns(case.cost, f), case.replicas_count)
    return replay.run(watch)


def served_fast(case: EngineCase) -> EngineRun:
    return replay_fast(case.calls, case.settings, case.cost, replicas_count=case.replicas_count)


SERVERS = {"literal": served_literally, "fast": served_fast}
Serve = Callable[[EngineCase], EngineRun]
by_both = pytest.mark.parametrize("serve", SERVERS.values(), ids=SERVERS)


def served(serve: Serve, *rows: dict[str, Any], replicas_count: int = 1, **settings: Any) -> EngineRun:
    """Rows as in `calls_of` on a small engine: blocks of 4 tokens, 4 sequences, 16 tokens a step, 10 ns a step."""
    usual = {"blocks_count": 100, "block_tokens": 4, "max_sequences_count": 4, "max_batched_tokens": 16}
    engine = EngineSettings(**{**usual, **settings})
    return serve(EngineCase(calls=calls_of(*rows), settings=engine, replicas_count=replicas_count))


def told(run: EngineRun, *names: str) -> list[list[int]]:
    """Columns of the calls' times."""
    return [getattr(run.times, name).tolist() for name in names]


def machine_after(case: EngineCase) -> Machine:
    """The fast scheduler's whole state at its end."""
    settings = case.settings
    machine = machine_of(
        case.calls,
        owners_of(case.calls, block_tokens=settings.block_tokens, prefix_caching=settings.prefix_caching),
        settings,
        replicas_count=case.replicas_count,
        cost=case.cost,
        bins=fresh_bins(counting=False),
        wants_longest=case.cost.WANTS_LONGEST,
    )
    run_machine(machine)
    return machine


def differences(one: EngineRun, other: EngineRun) -> list[str]:
    """Names of what is not equal in every entry."""
    names = [
        name for name in CallTimes.__slots__ if not np.array_equal(getattr(one.times, name), getattr(other.times, name))
    ]
    names += [name for name in ("steps_count", "computed_tokens") if getattr(one, name) != getattr(other, name)]
    return names if np.array_equal(one.busy_ns, other.busy_ns) else [*names, "busy_ns"]


def random_case(seed: int, *, most_calls: int = 120) -> EngineCase:
    """A small trace under pressure; every few seeds with each thing that an engine knows."""
    rng = np.random.default_rng(seed)
    span_ns = int(rng.choice([10**6, 10**8, 10**9]))
    calls = random_calls(rng, int(rng.integers(2, most_calls)), span_ns)
    settings = random_settings(rng, calls, span_ns)
    cost = toy_cost(int(rng.choice([1, 1000, 100_000])), int(rng.choice([0, 1, 1, 1])))
    return EngineCase(calls=calls, settings=settings, replicas_count=int(rng.choice([1, 1, 2, 3])), cost=cost)


def random_calls(rng: np.random.Generator, size: int, span_ns: int) -> EngineCalls:
    """Sessions and trees of prefixes; half of the traces start at ties, a third of the calls leave where any do."""
    tick = int(rng.choice([1, 10**5]))
    after, parent = _random_forebears(rng, size)
    return EngineCalls.of(
        start_ns=rng.integers(0, span_ns, size) // tick * tick,
        after=after,
        gap_ns=rng.integers(0, 2, size) * rng.integers(0, span_ns // 10 + 1, size),
        input_tokens=rng.integers(1, int(rng.choice([2, 30, 200])), size),
        output_tokens=rng.integers(1, int(rng.choice([2, 10, 80, 80])), size),
        parent=parent,
        shared_tokens=rng.integers(0, 200, size),
        system=rng.integers(-1, 3, size),
        loaded_tokens=np.where(rng.random(size) < 0.1, rng.integers(0, 50, size), 0),
        priority=rng.integers(0, 3, size),
        patience_ns=_for_some(rng, size, span_ns),
        stop_ns=_for_some(rng, size, span_ns),
        retries_count=rng.integers(0, 4, size),
        backoff_ns=_times(rng, size, span_ns // 5),
    )


def random_settings(rng: np.random.Generator, calls: EngineCalls, span_ns: int) -> EngineSettings:
    """Few blocks: often just what the largest call needs, at times a little less."""
    block_tokens, state_blocks = int(rng.choice([1, 4, 16])), int(rng.choice([0, 0, 2]))
    largest = most_blocks(calls, block_tokens, state_blocks)
    policy = tuple(Policy)[int(rng.integers(0, 2))]
    return EngineSettings(
        blocks_count=max(largest + int(rng.choice([-2, 0, 0, 1, 5, 50])), 1),
        block_tokens=block_tokens,
        max_sequences_count=int(rng.integers(1, 12)),
        max_batched_tokens=int(rng.integers(12, 100)),
        prefix_caching=bool(rng.random() < 0.8),
        policy=policy,
        reserve_full_prompt=bool(rng.random() < 0.7),
        state_blocks_count=state_blocks,
        yielding_priority=int(rng.integers(0, 3)) if policy is Policy.PRIORITY else 0,
        router=Router(int(rng.integers(0, 3))),
        horizon_ns=int(rng.choice([NEVER, NEVER, NEVER, span_ns // 2])),
    )


def most_blocks(calls: EngineCalls, block_tokens: int, state_blocks: int) -> int:
    """Blocks that the largest call takes."""
    return int((-(-(calls.input_tokens + calls.output_tokens - 1) // block_tokens)).max()) + state_blocks


def calls_of(*rows: dict[str, Any]) -> EngineCalls:
    """Calls from what matters of them; the rest asks at time 0 for 4 tokens after 8, alone and patient."""
    usual = {"input_tokens": 8, "output_tokens": 4, "start_ns": 0, "gap_ns": 0, "shared_tokens": 0, "loaded_tokens": 0}
    usual |= {"after": NONE, "parent": NONE, "system": NONE, "priority": 0, "retries_count": 0, "backoff_ns": 0}
    usual |= {"patience_ns": NEVER, "stop_ns": NEVER}
    whole = [{**usual, **row} for row in rows]
    return EngineCalls.of(**{name: np.array([row[name] for row in whole]) for name in usual})


def _random_forebears(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    after, parent = np.full(size, NONE), np.full(size, NONE)
    for number in range(1, size):
        if rng.random() < 0.4:
            parent[number] = rng.integers(0, number)
            if rng.random() < 0.8:
                after[number] = parent[number]
        elif rng.random() < 0.2:
            after[number] = rng.integers(0, number)
    return after, parent


def _for_some(rng: np.random.Generator, size: int, span_ns: int) -> np.ndarray:
    share = rng.choice([0.0, 0.3])
    return np.where(rng.random(size) < share, _times(rng, size, span_ns), NEVER)


def _times(rng: np.random.Generator, size: int, longest_ns: int) -> np.ndarray:
    """Of all orders of magnitude up to the longest, so that some end in each phase of a call."""
    return (longest_ns * 10.0 ** -rng.uniform(0.0, 4.0, size)).astype(np.int64)
