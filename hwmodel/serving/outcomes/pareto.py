"""Throughput against interactivity of a chip and an LLM, over ranks, batches and number formats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from jaxtyping import Bool, Float

from hwmodel.catalog.chip_design import ChipDesign, DesignTable
from hwmodel.catalog.llm import STORAGE_BYTES, Deployment, Dtype, LlmSpec
from hwmodel.physical import Tco, all_in_power_w
from hwmodel.serving.errors import DoesNotFit
from hwmodel.serving.formats import built_in_formats, cache_dtype
from hwmodel.serving.outcomes.operating_points import OperatingPoint, Workload, operating_points
from hwmodel.serving.outcomes.split_points import Pools, split_operating_points
from hwmodel.serving.replay import Replica, Scheduler
from hwmodel.serving.split.on_chip import ChipLink, SplitLayout, cache_link
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
    replicas_count: int = 0
    """Of those that only decode; 0 where one pool does both, so the next two."""
    prefill_tp_count: int = 0
    prefill_replicas_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitTrial:
    """Prefill and decode on replicas of their own, offered beside replicas that do both."""

    chips_count: int
    """Of both pools; every split over so many chips is tried."""
    link: ChipLink


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
    split: SplitTrial | None = None,
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
        split: Chips over which layouts are split into prefill and decode replicas, too.

    Raises:
        DoesNotFit: Not one layout holds one call.
    """
    replicas = {layout: _replica_of(design, llm, layout, scheduler) for layout in layouts}
    able = {layout: replica for layout, replica in replicas.items() if replica is not None}
    found = [
        (layout, point)
        for layout, replica in able.items()
        for point in operating_points(replica, workload, _bounds(layout, scheduler), batches)
    ]
    if split is not None:
        found += _split_points(llm, able, workload, split, scheduler=scheduler, batches=batches)
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


def _replica_of(design: ChipDesign, llm: LlmSpec, layout: Layout, scheduler: Scheduler) -> Replica | None:
    """None where the weights leave no room."""
    timer = StepTimer(designs=DesignTable.of([design]), llm=_stored(llm, layout), deployment=_deployment(layout))
    try:
        return step_cost_tables(timer, scheduler=_bounds(layout, scheduler)).replica(0)
    except DoesNotFit:
        return None


def _split_points(
    llm: LlmSpec,
    replicas: Mapping[Layout, Replica],
    workload: Workload,
    split: SplitTrial,
    *,
    scheduler: Scheduler,
    batches: Sequence[int],
) -> list[tuple[Layout, OperatingPoint]]:
    """Of every pair of layouts in one format, and all numbers of both that fill the chips; attention is not by data."""
    found = []
    undivided = [(layout, replica) for layout, replica in replicas.items() if layout.attention_dp_count == 1]
    for (first, prefill), (second, decode) in product(undivided, repeat=2):
        if first.precision != second.precision:
            continue
        for count in range(1, (split.chips_count - second.tp_count) // first.tp_count + 1):
            rest = split.chips_count - count * first.tp_count
            if rest % second.tp_count:
                continue
            pools = Pools(
                prefill=prefill,
                decode=decode,
                prefill_count=count,
                decode_count=rest // second.tp_count,
                link=cache_link(llm, _split_layout(first, second, count, rest // second.tp_count, split.link)),
            )
            layout = replace(
                second,
                replicas_count=pools.decode_count,
                prefill_tp_count=first.tp_count,
                prefill_replicas_count=count,
            )
            points = split_operating_points(pools, workload, scheduler, batches)
            found += [(layout, point) for point in points]
    return found


def _bounds(layout: Layout, scheduler: Scheduler) -> Scheduler:
    return scheduler.of_groups(layout.attention_dp_count)


def _split_layout(first: Layout, second: Layout, prefill_count: int, decode_count: int, link: ChipLink) -> SplitLayout:
    return SplitLayout(
        prefill=_deployment(first),
        decode=_deployment(second),
        prefill_count=prefill_count,
        decode_count=decode_count,
        link=link,
    )


def _deployment(layout: Layout) -> Deployment:
    return Deployment(
        tp_count=layout.tp_count,
        ep_count=layout.ep_count,
        attention_dp_count=layout.attention_dp_count,
        activation_dtype=layout.precision,
        kv_dtype=cache_dtype(layout.precision),
    )


def _stored(llm: LlmSpec, layout: Layout) -> LlmSpec:
    narrower = STORAGE_BYTES[layout.precision] < STORAGE_BYTES[llm.weight_dtype]
    return replace(llm, weight_dtype=layout.precision) if narrower else llm


def _usd(per_chip_hour: Float[np.ndarray, "designs"], tokens_per_s: float) -> float:
    return float(per_chip_hour[0]) / SECONDS_PER_HOUR / float(tokens_per_s) * 1e6
