"""Replays whose hotspots are known beforehand, and their bills on an H100."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from hwmodel.catalog import ChipDesign, Deployment, DesignTable, design_of, load_catalog
from hwmodel.hotspots import Bill, StepBinTable, kernel_bill, step_bins
from hwmodel.serving import ReplayDemand, ReplayResult, Scheduler, StepTimer, replay, step_cost_tables
from tests.hwmodel.serving.replay_cases import demand_from

H100 = design_of(load_catalog().chip("h100-sxm"))
USD_PER_CHIP_H = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """A replay and what was made of it."""

    demand: ReplayDemand
    result: ReplayResult
    bins: StepBinTable
    bill: Bill
    tp_count: int


def billed(
    demand: ReplayDemand, llm_id: str, tp_count: int, *, replicas_count: int = 1, design: ChipDesign = H100
) -> Billed:
    llm, deployment, scheduler = load_catalog().llm(llm_id), Deployment(tp_count=tp_count), Scheduler()
    timer = StepTimer(designs=DesignTable.of([design]), llm=llm, deployment=deployment)
    replica = step_cost_tables(timer, scheduler=scheduler).replica(0)
    result = replay(demand, replica, replicas_count=replicas_count, scheduler=scheduler, counting=True)
    table = step_bins(result.bins)
    bill = kernel_bill(table, design=design, llm=llm, deployment=deployment, usd_per_chip_h=USD_PER_CHIP_H)
    return Billed(demand=demand, result=result, bins=table, bill=bill, tp_count=tp_count)


@cache
def mixed(llm_id: str, tp_count: int) -> Billed:
    """Prompts and answers of all lengths from all surfaces, on two replicas that are half busy."""
    rng, size = np.random.default_rng(0), 3000
    demand = demand_from(
        {
            "start_ns": np.sort(rng.random(size) * 200e9),
            "input_tokens": np.exp(rng.uniform(np.log(10), np.log(20_000), size)),
            "output_tokens": rng.integers(1, 300, size),
            "surface": rng.integers(0, 6, size),
            "tier": rng.integers(0, 3, size),
        }
    )
    return billed(demand, llm_id, tp_count, replicas_count=2)


def long_contexts() -> ReplayDemand:
    """30 sequences decode behind 120,000 cached tokens each."""
    alike = np.ones(30)
    return demand_from(
        {
            "start_ns": np.arange(30) * 1e6,
            "input_tokens": 120_000 * alike,
            "shared_tokens": 119_990 * alike,
            "is_warm": alike,
            "output_tokens": 1000 * alike,
        }
    )


def lone_answers() -> ReplayDemand:
    """One short call at a time."""
    alike = np.ones(3)
    return demand_from({"start_ns": np.arange(3) * 1e10, "input_tokens": 50 * alike, "output_tokens": 300 * alike})


def fresh_prompts() -> ReplayDemand:
    """Long prompts, one token each."""
    alike = np.ones(20)
    return demand_from({"start_ns": np.arange(20) * 1e6, "input_tokens": 10_000 * alike, "output_tokens": alike})
