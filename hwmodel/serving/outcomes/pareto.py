"""Throughput against interactivity of a chip and an LLM, over ranks, batches and number formats."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from hwmodel.catalog.chip_design import ChipDesign, DesignTable
from hwmodel.catalog.llm import STORAGE_BYTES, Deployment, Dtype, LlmSpec
from hwmodel.physical import Tco, all_in_power_w
from hwmodel.serving.errors import DoesNotFit
from hwmodel.serving.formats import built_in_formats, cache_dtype
from hwmodel.serving.outcomes.operating_points import OperatingPoint, Workload, operating_points
from hwmodel.serving.replay import Scheduler
from hwmodel.serving.step_timer import StepTimer
from hwmodel.serving.tables import step_cost_tables

W_PER_MW = 1e6
SECONDS_PER_HOUR = 3600.0
MOST_TP_COUNT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a replica is laid out, and the format of its products."""

    tp_count: int
    ep_count: int
    attention_dp_count: int = 1
    """See `Deployment`."""
    precision: Dtype
    """Products run in it, and weights are stored in it unless the LLM stores them narrower; the cache is fp8 unless it
    is bf16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPoint:
    """One layout and batch."""

    layout: Layout
    point: OperatingPoint
    tokens_per_s_per_mw: float
    """Output tokens per megawatt at the meter, chips at their TDP."""
    usd_per_million_tokens: float | None
    """Typical; none where the chip's cost cannot be told."""
    usd_low_per_million_tokens: float | None
    usd_high_per_million_tokens: float | None
    is_dominated: bool
    """Whether another point is at least as fast for the user and for the chip, and faster for one."""


def layouts_of(design: ChipDesign, llm: LlmSpec) -> tuple[Layout, ...]:
    """Powers of two of ranks in the scale-up domain, experts and attention spread or not, and the chip's formats."""
    most = min(int(design.link_world_count), llm.heads_count, MOST_TP_COUNT)
    ranks = [2**power for power in range(most.bit_length()) if 2**power <= most]
    return tuple(
        Layout(tp_count=tp, ep_count=ep, attention_dp_count=groups, precision=precision)
        for precision in built_in_formats(design)
        for tp in ranks
        for ep, groups in divisions(llm, tp)
    )


def divisions(llm: LlmSpec, ranks_count: int) -> tuple[tuple[int, int], ...]:
    """Ways to divide an LLM over ranks: expert-parallel ranks, and groups of data-parallel attention."""
    if llm.moe is None or not 1 < ranks_count <= llm.moe.experts_count:
        return ((1, 1),)
    return ((1, 1), (ranks_count, 1), (ranks_count, ranks_count))


def front(
    design: ChipDesign,
    llm: LlmSpec,
    workload: Workload,
    *,
    layouts: Sequence[Layout],
    batches: Sequence[int],
    scheduler: Scheduler,
    cost: Tco | None,
) -> tuple[FrontPoint, ...]:
    """All points, fastest for the user first; those that no other beats in both are the front.

    Args:
        design: The chip.
        llm: The LLM.
        workload: Length of prompt and answer.
        layouts: What to try.
        batches: Calls on a replica at a time.
        scheduler: Bounds of a step.
        cost: Of this chip alone; none leaves dollars out.

    Raises:
        DoesNotFit: Not one layout holds one call.
    """
    found = [
        (layout, point)
        for layout in layouts
        for point in _points_of(design, llm, layout, workload, scheduler=scheduler, batches=batches)
    ]
    if not found:
        raise DoesNotFit(
            f"{llm.id} with {workload.input_tokens + workload.output_tokens} tokens a call fits no layout on "
            f"{design.name}, {len(layouts)} tried; take a chip with more memory or a larger scale-up domain"
        )
    per_user = np.array([point.tokens_per_s_per_user for _, point in found])
    per_chip = np.array([point.tokens_per_s_per_chip for _, point in found])
    beaten = dominated(per_user, per_chip)
    watts = float(all_in_power_w(DesignTable.of([design]))[0])
    return tuple(
        FrontPoint(
            layout=found[at][0],
            point=found[at][1],
            tokens_per_s_per_mw=float(per_chip[at]) * W_PER_MW / watts,
            usd_per_million_tokens=_usd(cost.typical_usd_per_chip_h, per_chip[at]) if cost else None,
            usd_low_per_million_tokens=_usd(cost.low_usd_per_chip_h, per_chip[at]) if cost else None,
            usd_high_per_million_tokens=_usd(cost.high_usd_per_chip_h, per_chip[at]) if cost else None,
            is_dominated=bool(beaten[at]),
        )
        for at in np.lexsort((-per_chip, -per_user))
    )


def dominated(first: Float[np.ndarray, "points"], second: Float[np.ndarray, "points"]) -> Bool[np.ndarray, "points"]:
    """Points that another reaches in both measures and exceeds in one; more is better. Equal points do not beat."""
    order = np.lexsort((-second, -first))
    a, b = first[order], second[order]
    best_before = np.concatenate([[-np.inf], np.maximum.accumulate(b)[:-1]])
    starts = np.concatenate([[True], a[1:] != a[:-1]])
    group = np.cumsum(starts) - 1
    best_of_faster = best_before[starts][group]
    best_of_equal = b[starts][group]
    beaten = np.empty(first.size, dtype=np.bool_)
    beaten[order] = (best_of_faster >= b) | (best_of_equal > b)
    return beaten


def _points_of(
    design: ChipDesign,
    llm: LlmSpec,
    layout: Layout,
    workload: Workload,
    *,
    scheduler: Scheduler,
    batches: Sequence[int],
) -> tuple[OperatingPoint, ...]:
    deployment = Deployment(
        tp_count=layout.tp_count,
        ep_count=layout.ep_count,
        attention_dp_count=layout.attention_dp_count,
        activation_dtype=layout.precision,
        kv_dtype=cache_dtype(layout.precision),
    )
    timer = StepTimer(designs=DesignTable.of([design]), llm=_stored(llm, layout), deployment=deployment)
    try:
        bounds = scheduler.of_groups(layout.attention_dp_count)
        replica = step_cost_tables(timer, scheduler=bounds).replica(0)
    except DoesNotFit:
        return ()
    return operating_points(replica, workload, bounds, batches)


def _stored(llm: LlmSpec, layout: Layout) -> LlmSpec:
    narrower = STORAGE_BYTES[layout.precision] < STORAGE_BYTES[llm.weight_dtype]
    return replace(llm, weight_dtype=layout.precision) if narrower else llm


def _usd(per_chip_hour: Float[np.ndarray, "designs"], tokens_per_s: float) -> float:
    return float(per_chip_hour[0]) / SECONDS_PER_HOUR / float(tokens_per_s) * 1e6
