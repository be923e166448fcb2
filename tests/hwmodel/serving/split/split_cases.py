"""Calls on separate prefill and decode replicas: planted ones by hand, and small random ones that force trouble."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from hwmodel.serving.engine import NEVER, CallTimes, EngineCalls, EngineSettings, Policy, Router
from hwmodel.serving.split import (
    HandOvers,
    LinkTimes,
    SplitReplay,
    SplitRun,
    SplitSettings,
    replay_split,
)
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.weighted_cost import WeightedCost
from tests.hwmodel.serving.engine_cases import TEN_NS, calls_of, random_calls, toy_cost

FREE_LINK = LinkTimes(ns_per_token=0.0, ns_per_sequence=0.0, latency_ns=0, overlap=False, layers=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCase:
    """All that a replay takes."""

    calls: EngineCalls
    settings: SplitSettings
    prefill_cost: WeightedCost = TEN_NS
    decode_cost: WeightedCost = TEN_NS


Watch = Callable[[Any, int], None]


def served_literally(case: SplitCase, watch: Watch | None = None) -> SplitRun:
    def prefill_ns(features: Any) -> int:
        return step_ns(case.prefill_cost, features)

    def decode_ns(features: Any) -> int:
        return step_ns(case.decode_cost, features)

    return SplitReplay(case.calls, case.settings, prefill_ns, decode_ns).run_split(watch)


def served_compiled(case: SplitCase) -> SplitRun:
    return replay_split(case.calls, case.settings, case.prefill_cost, case.decode_cost)


SERVERS = {"literal": served_literally, "compiled": served_compiled}
Serve = Callable[[SplitCase], SplitRun]
by_both = pytest.mark.parametrize("serve", SERVERS.values(), ids=SERVERS)


def small(**changes: Any) -> EngineSettings:
    """A small engine: 100 blocks of 4 tokens, 4 sequences, 16 tokens a step."""
    usual = {"blocks_count": 100, "block_tokens": 4, "max_sequences_count": 4, "max_batched_tokens": 16}
    return EngineSettings(**{**usual, **changes})


def served(
    serve: Serve, *rows: dict[str, Any], link: LinkTimes = FREE_LINK, counts: tuple[int, int] = (1, 1), **changes: Any
) -> SplitRun:
    """Rows as in `calls_of`; `prefill` and `decode` change one engine, the rest both; a step takes 10 ns."""
    prefill, decode = changes.pop("prefill", {}), changes.pop("decode", {})
    settings = SplitSettings(
        prefill=small(**{**changes, **prefill}),
        decode=small(**{**changes, **decode}),
        prefill_count=counts[0],
        decode_count=counts[1],
        link=link,
    )
    return serve(SplitCase(calls=calls_of(*rows), settings=settings))


def differences(one: SplitRun, other: SplitRun) -> list[str]:
    """Names of what is not equal in every entry."""
    names = [n for n in CallTimes.__slots__ if not np.array_equal(getattr(one.times, n), getattr(other.times, n))]
    names += [
        n for n in HandOvers.__slots__ if not np.array_equal(getattr(one.hand_overs, n), getattr(other.hand_overs, n))
    ]
    names += [n for n in ("steps_count", "computed_tokens") if getattr(one, n) != getattr(other, n)]
    return names if np.array_equal(one.busy_ns, other.busy_ns) else [*names, "busy_ns"]


def random_case(seed: int, *, most_calls: int = 100) -> SplitCase:
    """A small trace under pressure on both sides, and a link that at times is the narrowest of all."""
    rng = np.random.default_rng(seed)
    span_ns = int(rng.choice([10**5, 10**6, 10**8]))
    calls = patient(random_calls(rng, int(rng.integers(2, most_calls)), span_ns))
    weight, base_ns = int(rng.choice([0, 1, 1, 1])), int(rng.choice([1, 1000, 100_000]))
    return SplitCase(
        calls=calls,
        settings=_random_settings(rng, calls, span_ns),
        prefill_cost=toy_cost(base_ns, weight),
        decode_cost=toy_cost(max(base_ns // int(rng.choice([1, 3])), 1), weight),
    )


def patient(calls: EngineCalls) -> EngineCalls:
    """The same calls by users who stay."""
    never = np.full(len(calls), NEVER, dtype=np.int64)
    return replace(calls, patience_ns=never, stop_ns=never)


def _random_settings(rng: np.random.Generator, calls: EngineCalls, span_ns: int) -> SplitSettings:
    block_tokens, state_blocks = int(rng.choice([1, 4, 16])), int(rng.choice([0, 0, 2]))
    policy, caching = tuple(Policy)[int(rng.integers(0, 2))], bool(rng.random() < 0.8)
    horizon_ns = int(rng.choice([NEVER, NEVER, NEVER, span_ns // 2]))

    def engine(most: np.ndarray) -> EngineSettings:
        largest = int((-(-most // block_tokens)).max()) + state_blocks
        return EngineSettings(
            blocks_count=max(largest + int(rng.choice([-2, 0, 0, 1, 5, 50])), 1),
            block_tokens=block_tokens,
            max_sequences_count=int(rng.integers(1, 12)),
            max_batched_tokens=int(rng.integers(12, 100)),
            prefix_caching=caching,
            policy=policy,
            state_blocks_count=state_blocks,
            router=Router(int(rng.integers(0, 3))),
            horizon_ns=horizon_ns,
        )

    return SplitSettings(
        prefill=engine(calls.input_tokens),
        decode=engine(calls.input_tokens + calls.output_tokens - 1),
        prefill_count=int(rng.choice([1, 1, 2, 3])),
        decode_count=int(rng.choice([1, 1, 2, 3])),
        link=LinkTimes(
            ns_per_token=float(rng.choice([0.0, 0.37, 100.5, 10_000.0])),
            ns_per_sequence=float(rng.choice([0.0, 17.3])) * (state_blocks > 0),
            latency_ns=int(rng.choice([0, 7, 20_000])),
            overlap=bool(rng.integers(0, 2)),
            layers=int(rng.choice([1, 2, 32])),
        ),
    )
