"""Planted demands whose bottleneck follows from arithmetic, and the changes of the chip that would relieve it."""

from dataclasses import dataclass
from datetime import timedelta

from hwmodel.catalog import Catalog, ChipDesign, design_of
from hwmodel.design.patience import AbandonmentModel
from hwmodel.design.risk.planted_demand import START, Shape, demand_of, policy_of
from hwmodel.design.scenario import DEFAULT_SCHEDULER, CellSize, Scenario, scenario_of
from hwmodel.design.search import OBJECTIVES
from hwmodel.design.space import Step
from hwmodel.serving import Scheduler

PLANT_CELL = CellSize(window_s=60.0, lead_in_s=20.0, replicas_count=12.0, widths_count=2)
"""Twelve replicas: with two, one session more or less moves a fleet by a tenth."""
USD, JOULE = OBJECTIVES
SPREAD = 0.5
BANDWIDTH = frozenset({"hbm_generation", "hbm_speed_ratio", "hbm_stacks_count"})
CAPACITY = frozenset({"hbm_extra_dies_count", "hbm_generation", "hbm_stacks_count"})
WORK = frozenset({"matrix_flop_per_clk", "cores_count", "fp8_rate_ratio", "clock_hz", "dies_count"})
PROMPTS = Shape(
    input_tokens=8000,
    steps=1,
    output_tokens=4,
    tpot_limit_s=0.5,
    ttft_limit_s=6.0,
    sessions_per_s=3.0,
    spread_ratio=SPREAD,
)
"""2,000 prompt tokens per answer token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One planted bottleneck."""

    name: str
    chip: str
    shape: Shape
    why: str
    """The arithmetic."""
    expected: frozenset[str]
    """Parameters of the space that relieve it; any of them counts."""
    curve: str = USD
    scheduler: Scheduler = DEFAULT_SCHEDULER
    cell: CellSize = PLANT_CELL
    takes_less: bool = False
    """A lower value counts too: power is saved by it."""

    def is_matched_by(self, step: Step) -> bool:
        """Whether a step is one that relieves what is planted."""
        return step.parameter in self.expected and (step.relieves or self.takes_less)


PLANTS: tuple[Plant, ...] = (
    Plant(
        name="KV-bound",
        chip="h100-sxm",
        shape=Shape(
            input_tokens=30_000,
            added_tokens=100,
            steps=20,
            gap_s=1.0,
            output_tokens=400,
            tpot_limit_s=0.016,
            sessions_per_s=0.2,
            spread_ratio=SPREAD,
        ),
        why="8,000 answer tokens per session read 3.9 GB of cache each; the prompt of 30,000 is computed once; 16 ms "
        "per token bound the batch, not the memory",
        expected=BANDWIDTH,
    ),
    Plant(
        name="capacity-bound",
        chip="h100-sxm",
        shape=Shape(
            input_tokens=60_000,
            added_tokens=100,
            steps=20,
            gap_s=8.0,
            output_tokens=40,
            tpot_limit_s=0.1,
            sessions_per_s=0.2,
            spread_ratio=SPREAD,
        ),
        why="a context takes 7.9 GB and is wanted again after 8 s; where it was dropped, 60,000 tokens are "
        "computed again",
        expected=CAPACITY,
        cell=CellSize(window_s=240.0, lead_in_s=60.0, replicas_count=12.0, widths_count=2),
    ),
    Plant(
        name="launch-bound",
        chip="h100-sxm",
        shape=Shape(
            llm="gpt-oss-20b",
            input_tokens=300,
            steps=1,
            output_tokens=250,
            tpot_limit_s=0.0045,
            sessions_per_s=2.0,
            spread_ratio=SPREAD,
        ),
        why="4.5 ms per token of an LLM with 3.6 G active parameters: weights take 0.3 ms at eight ranks, hundreds of "
        "kernels take the rest",
        expected=frozenset({"launch_latency_s"}),
    ),
    Plant(
        name="collective-bound",
        chip="h800",
        shape=Shape(
            llm="qwen3-235b-a22b",
            input_tokens=6000,
            steps=1,
            output_tokens=4,
            tpot_limit_s=2.0,
            ttft_limit_s=20.0,
            sessions_per_s=3.0,
            spread_ratio=SPREAD,
        ),
        why="22 G active parameters over eight ranks are 13 us of matrix work per prompt token; its "
        "all-reduces, 1.5 MB over a link of 200 GB/s, take longer; steps of 16,384 tokens read experts' weights once",
        expected=frozenset({"link_bytes_per_s", "collective_latency_s", "fabric"}),
        scheduler=Scheduler(max_batched_tokens=16384),
    ),
    Plant(
        name="matrix-bound",
        chip="h20",
        shape=PROMPTS,
        why="2,000 prompt tokens per answer token, nothing shared, on a chip of 148 TFLOP/s beside 4 TB/s",
        expected=WORK,
    ),
    Plant(
        name="power-bound",
        chip="h20",
        shape=PROMPTS,
        why="the same prompts: what a chip is rated at decides value per watt, and at 400 W one step of process or "
        "clock brings it into the class of 350 W",
        expected=frozenset({"node", "clock_hz"}),
        curve=JOULE,
        takes_less=True,
    ),
)
"""On chips on which the step that would relieve is legal. Assumed shapes; chosen by their arithmetic."""


def plant_scenario(plant: Plant, catalog: Catalog) -> tuple[ChipDesign, Scenario]:
    """The chip, and the plant as a scenario sized to it."""
    baseline = design_of(catalog.chip(plant.chip), allow_estimates=False)
    return baseline, mixed_scenario(
        (plant.shape,), baseline, catalog, name=plant.name, cell=plant.cell, of=plant.scheduler
    )


def mixed_scenario(
    shapes: tuple[Shape, ...],
    baseline: ChipDesign,
    catalog: Catalog,
    *,
    name: str,
    cell: CellSize,
    of: Scheduler,
) -> Scenario:
    """Shapes as a scenario sized to a chip; nobody leaves."""
    return scenario_of(
        demand_of(shapes, span_s=cell.lead_in_s + cell.window_s),
        policy_of(shapes),
        name=name,
        baseline=baseline,
        catalog=catalog,
        abandonment=AbandonmentModel.nobody_leaves(),
        window_start=START + timedelta(seconds=cell.lead_in_s),
        cell=cell,
        traffic_ratio=1.0,
        seed=1,
        scheduler=of,
    )
