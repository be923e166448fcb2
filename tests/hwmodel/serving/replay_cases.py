"""Demands, replicas and step costs for the tests of the replay: planted ones by hand, and small random ones."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from hwmodel.serving import ReplayDemand, Replica, Scheduler, StepCost
from hwmodel.serving.bins import Bins, fresh_bins
from hwmodel.serving.engine import EngineRun
from hwmodel.serving.fast import replay_fast
from hwmodel.serving.replay import engine_calls, engine_settings
from warehouse.contracts import SERVICE_TIERS, SURFACES

CALL = {
    "start_ns": 0,
    "after": -1,
    "gap_ns": 0,
    "input_tokens": 10,
    "output_tokens": 5,
    "parent": -1,
    "shared_tokens": 0,
    "is_warm": False,
    "is_scored": True,
    "surface": 0,
    "tier": 0,
    "session": 0,
    "ttft_limit_s": 1.0,
    "tpot_limit_s": 1.0,
    "attainment_target_ratio": 0.9,
    "value_usd_per_token": 1e-5,
    "weight_ratio": 1.0,
}
REAL_FIELDS = ("ttft_limit_s", "tpot_limit_s", "attainment_target_ratio", "value_usd_per_token", "weight_ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a replay takes."""

    demand: ReplayDemand
    replica: Replica
    replicas_count: int
    scheduler: Scheduler


def demand_of(*rows: Mapping[str, Any], **everywhere: Any) -> ReplayDemand:
    """Calls from what matters of them; each is a session of its own unless it says otherwise."""
    whole = [{**CALL, "session": number, **everywhere, **row} for number, row in enumerate(rows)]
    return demand_from({name: np.array([row[name] for row in whole]) for name in CALL})


def demand_from(columns: Mapping[str, np.ndarray]) -> ReplayDemand:
    """Calls from columns; what is not given is as in `CALL`, and each call is a session of its own."""
    size = columns["start_ns"].size
    whole = {name: np.full(size, value) for name, value in CALL.items()} | {"session": np.arange(size)} | dict(columns)
    kinds: dict[str, Any] = {name: np.float64 if name in REAL_FIELDS else np.int64 for name in whole}
    kinds |= {"is_warm": np.bool_, "is_scored": np.bool_}
    return ReplayDemand(**{f.name: whole[f.name].astype(kinds[f.name]) for f in fields(ReplayDemand)})


def constant_cost(step_ns: float) -> StepCost:
    """Every step takes the same time."""
    return StepCost(np.full(4096, step_ns), np.zeros(2), np.zeros((2, 2)), np.zeros((2, 2)))


def replica_of(cost: StepCost, *, capacity_tokens: int = 1_000_000, state_tokens: int = 0) -> Replica:
    return Replica(cost=cost, capacity_tokens=capacity_tokens, state_tokens=state_tokens, chips_count=1)


def run_after(case: Case, *, counting: bool = False) -> tuple[EngineRun, Bins]:
    """What the engine says of every call, in whole nanoseconds, and the counters of its steps."""
    bins = fresh_bins(counting=counting)
    run = replay_fast(
        engine_calls(case.demand),
        engine_settings(case.demand, case.replica, case.scheduler),
        case.replica.cost,
        replicas_count=case.replicas_count,
        bins=bins,
        surface=case.demand.surface,
    )
    return run, bins


def random_case(seed: int) -> Case:
    """A small trace that queues, runs out of cache, shares and forks prefixes, and ties in time.

    Times are whole hundreds of ns and many steps cost the same, so arrivals, steps and replicas end together.
    """
    rng = np.random.default_rng(seed)
    demand = random_demand(rng, calls_count=int(rng.integers(5, 60)))
    largest = int((demand.input_tokens + demand.output_tokens).max())
    state_tokens = int(rng.choice([0, 3]))
    return Case(
        demand=demand,
        replica=replica_of(
            random_cost(rng),
            capacity_tokens=int(largest * rng.choice([0.8, 1.0, 1.1, 2.0, 5.0])) + 4,
            state_tokens=state_tokens,
        ),
        replicas_count=int(rng.integers(1, 4)),
        scheduler=Scheduler(
            max_sequences_count=int(rng.integers(1, 9)),
            max_batched_tokens=int(rng.integers(9, 60)),
            block_tokens=int(rng.choice([1, 4, 16])),
            prefix_caching=bool(rng.random() < 0.85),
            grace_s=float(rng.choice([1e-6, 1.0, 1.0])),
        ),
    )


def random_cost(rng: np.random.Generator) -> StepCost:
    """Random step costs, half of them so coarse that steps tie."""
    if rng.random() < 0.5:
        return StepCost(100.0 * rng.integers(1, 3) + np.zeros(100), np.zeros(3), np.zeros((4, 4)), np.zeros((4, 4)))
    dense = 50.0 + np.cumsum(rng.uniform(0.0, 10.0, 80))
    return StepCost(
        dense, np.cumsum(rng.uniform(0.0, 5.0, 9)), rng.uniform(0.0, 99.0, (5, 4)), rng.uniform(0.0, 99.0, (7, 5))
    )


def random_demand(rng: np.random.Generator, *, calls_count: int) -> ReplayDemand:
    """Sessions of random shape: chains with gaps, side agents, forks, prefixes shared between sessions."""
    spread = int(rng.choice([1, 10, 200]))
    starts = np.sort(rng.integers(0, spread, calls_count)) * 100
    rows: list[dict[str, Any]] = []
    for number in range(calls_count):
        row: dict[str, Any] = {
            "start_ns": int(starts[number]),
            "output_tokens": int(rng.choice(np.array([1, 2, rng.integers(1, 30)]))),
            "surface": int(rng.integers(len(SURFACES))),
            "tier": int(rng.integers(len(SERVICE_TIERS))),
        }
        fresh = int(rng.integers(1, 40))
        shared = 0
        if number and rng.random() < 0.7:
            before = rows[int(rng.integers(max(0, number - 6), number))]
            row["session"] = before["session"]
            if rng.random() < 0.8:
                row["after"] = rows.index(before)
                row["gap_ns"] = int(rng.integers(0, 6)) * 100
            if rng.random() < 0.8:
                row["parent"] = rows.index(before)
                context = before["input_tokens"] + before["output_tokens"]
                shared = int(context * rng.choice([0.3, 0.6, 1.0]))
        elif rng.random() < 0.2:
            shared, row["is_warm"] = fresh, True
        row.setdefault("session", number)
        row["shared_tokens"] = shared
        row["input_tokens"] = max(1, shared + (0 if rng.random() < 0.1 else fresh))
        row["number"] = number
        rows.append(row)
    demand = demand_of(*rows)
    return replace(demand, session=np.unique(demand.session, return_inverse=True)[1])
