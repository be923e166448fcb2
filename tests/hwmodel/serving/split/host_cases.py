"""Calls on replicas with host memory for cache: planted ones by hand, and small random ones that force trouble."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from hwmodel.serving.engine import EngineCalls, EngineSettings
from hwmodel.serving.split import HostedReplay, HostedRun, HostTier, replay_hosted
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.weighted_cost import WeightedCost
from tests.hwmodel.serving import engine_cases
from tests.hwmodel.serving.engine_cases import TEN_NS, calls_of
from tests.hwmodel.serving.split.split_cases import patient, small


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCase:
    """All that a replay takes."""

    calls: EngineCalls
    settings: EngineSettings
    host: HostTier
    replicas_count: int = 1
    cost: WeightedCost = TEN_NS


Watch = Callable[[Any, int], None]


def served_literally(case: HostCase, watch: Watch | None = None) -> HostedRun:
    replay = HostedReplay(case.calls, case.settings, lambda f: step_ns(case.cost, f), case.replicas_count, case.host)
    return replay.run_hosted(watch)


def served_compiled(case: HostCase) -> HostedRun:
    return replay_hosted(case.calls, case.settings, case.cost, case.host, replicas_count=case.replicas_count)


SERVERS = {"literal": served_literally, "compiled": served_compiled}
Serve = Callable[[HostCase], HostedRun]
by_both = pytest.mark.parametrize("serve", SERVERS.values(), ids=SERVERS)


def served(serve: Serve, *rows: dict[str, Any], host: HostTier, **changes: Any) -> HostedRun:
    """Rows as in `calls_of` on a small engine with host memory; a step takes 10 ns."""
    return serve(HostCase(calls=calls_of(*rows), settings=small(**changes), host=host))


def differences(one: HostedRun, other: HostedRun) -> list[str]:
    """Names of what is not equal in every entry."""
    own = ("loaded_blocks", "host_tokens")
    unequal = [name for name in own if not np.array_equal(getattr(one, name), getattr(other, name))]
    return [*engine_cases.differences(one, other), *unequal]


def random_case(seed: int, *, most_calls: int = 100) -> HostCase:
    """An engine's random case by users who stay, with little or much host memory behind a slow or a fast link."""
    case = engine_cases.random_case(seed, most_calls=most_calls)
    rng = np.random.default_rng([seed, 1])
    return HostCase(
        calls=patient(case.calls),
        settings=replace(case.settings, reserve_full_prompt=True, yielding_priority=0),
        host=HostTier(
            blocks_count=int(rng.choice([1, 10, 100, 10_000])),
            ns_per_block=float(rng.choice([0.0, 0.7, 100.5, 10_000.0])),
            latency_ns=int(rng.choice([0, 7, 20_000])),
        ),
        replicas_count=case.replicas_count,
        cost=case.cost,
    )
