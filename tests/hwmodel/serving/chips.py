"""Real chips and LLMs of the catalogue, as step-cost tables and replicas."""

from dataclasses import replace
from functools import cache

from hwmodel.catalog import ChipDesign, Deployment, DesignTable, design_of, load_catalog
from hwmodel.serving import Replica, Scheduler, StepCost, StepCostTables, StepTimer, step_cost_tables

DEPLOYMENTS = {"gpt-oss-120b": 2, "qwen3-next-80b-a3b": 4, "deepseek-r1": 8}
"""LLM and the chips of a replica."""
BETTER_UP = (
    "cores_count", "hbm_stack_bytes_per_s", "hbm_stack_bytes", "l2_bytes", "l2_bytes_per_clk", "link_bytes_per_s",
)  # fmt: skip
BETTER_DOWN = ("collective_latency_s", "launch_latency_s")


def h100() -> ChipDesign:
    return design_of(load_catalog().chip("h100-sxm"))


def better(design: ChipDesign, ratio: float) -> ChipDesign:
    """The design with `ratio` times as much of everything, and latencies divided by it."""
    more = {name: getattr(design, name) * ratio for name in BETTER_UP}
    less = {name: getattr(design, name) / ratio for name in BETTER_DOWN}
    return replace(design, **more, **less)


def timer_of(llm: str, *designs: ChipDesign) -> StepTimer:
    return StepTimer(
        designs=DesignTable.of(list(designs)),
        llm=load_catalog().llm(llm),
        deployment=Deployment(tp_count=DEPLOYMENTS[llm]),
    )


@cache
def tables_of(llm: str) -> StepCostTables:
    """Of the H100, under the default scheduler."""
    return step_cost_tables(timer_of(llm, h100()), scheduler=Scheduler())


def cost_of(llm: str) -> StepCost:
    return tables_of(llm).cost(0)


def replica_on(design: ChipDesign, llm: str = "gpt-oss-120b") -> Replica:
    return step_cost_tables(timer_of(llm, design), scheduler=Scheduler()).replica(0)
