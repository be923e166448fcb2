"""How many replicas a demand needs, in closed form: the level-0 answer for every design of the space at once."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Int
from joblib import Parallel, delayed

from hwmodel.catalog import Deployment, DesignTable, LlmSpec
from hwmodel.design.errors import NoDeployment
from hwmodel.design.pool import Pool, PoolLoad
from hwmodel.kernels import StepStates
from hwmodel.serving import (
    DesignClasses,
    KernelGroup,
    ReusePattern,
    Scheduler,
    SteadyLoad,
    StepGrids,
    StepTimer,
    capacity_tokens,
    decode_states,
    group_times,
    prefill_states,
    replicas_of,
    state_tokens,
)
from hwmodel.serving.step_cost import LEAST_CONTEXT

TP_COUNTS = (1, 2, 4, 8)
PEAK_UTILISATION_RATIO = 0.75
"""Share of a replica's throughput that the promises leave usable. Assumed; the learned residual corrects it."""
NEAR_TIE_RATIO = 2.5
"""Tensor-parallel widths closer than this in chips are told apart by replay: the closed form is off by up to two."""
LEAST_CAPACITY_CONTEXTS = 4.0
"""A replica must hold this many mean contexts beside the weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedFormFleet:
    """Best deployment of every design; arrays have one entry per design. Infinite chips where nothing fits."""

    replicas_by_tp: Float[np.ndarray, "widths designs"]
    """Replicas at each width of `TP_COUNTS`."""
    tp_count: Int[np.ndarray, "designs"]
    replicas_needed: Float[np.ndarray, "designs"]
    chips_needed: Float[np.ndarray, "designs"]

    def near_best(self, index: int, count: int) -> list[tuple[int, float]]:
        """Widths worth a replay, with their replicas: at most `count`, the best first, none far behind it."""
        chips = self.replicas_by_tp[:, index] * np.array(TP_COUNTS)
        order = np.argsort(chips, kind="stable")[:count]
        close = order[chips[order] <= NEAR_TIE_RATIO * chips[order[0]]]
        return [(TP_COUNTS[at], float(self.replicas_by_tp[at, index])) for at in close]


def closed_form_fleet(designs: DesignTable, pool: Pool) -> ClosedFormFleet:
    """Fewest chips over the legal tensor-parallel widths."""
    return closed_form_fleets(designs, (pool,))[0]


def closed_form_fleets(
    designs: DesignTable, pools: Sequence[Pool], *, workers_count: int = 1
) -> tuple[ClosedFormFleet, ...]:
    """The same for several pools: what pools alike in LLM, formats and engine share is timed once.

    Args:
        designs: Any number of designs.
        pools: Of one or several scenarios.
        workers_count: Threads; the timing loops let go of the interpreter lock.
    """
    classes = DesignClasses.of(designs)
    alike: dict[_Kind, dict[_Load, Pool]] = {}
    for pool in pools:
        alike.setdefault(_kind(pool), {}).setdefault(_numbers(pool.load), pool)
    tasks = [(kind, tp_count) for kind in alike for tp_count in TP_COUNTS]
    run = Parallel(n_jobs=workers_count, prefer="threads")
    found = run(
        delayed(_replicas_at)(designs, classes, tuple(alike[kind].values()), tp_count) for kind, tp_count in tasks
    )
    by_task = dict(zip(tasks, found, strict=True))
    fleets = {
        (kind, load): _cheapest(np.stack([by_task[kind, tp_count][at] for tp_count in TP_COUNTS]))
        for kind, loads in alike.items()
        for at, load in enumerate(loads)
    }
    return tuple(fleets[_kind(pool), _numbers(pool.load)] for pool in pools)


_Kind = tuple[LlmSpec, Deployment, Scheduler]
_Load = tuple[float | bytes, ...]


def _kind(pool: Pool) -> _Kind:
    """Pools that are alike in it take the same steps but for attention."""
    return pool.llm, pool.formats, pool.scheduler


def _numbers(load: PoolLoad) -> _Load:
    """All that the closed form reads of a load: equal loads, as of a surface that is a whole tier, are sized once."""
    values = (getattr(load, field.name) for field in fields(load))
    return tuple(value.tobytes() if isinstance(value, np.ndarray) else float(value) for value in values)


def _cheapest(replicas_by_tp: Float[np.ndarray, "widths designs"]) -> ClosedFormFleet:
    chips_by_tp = replicas_by_tp * np.array(TP_COUNTS)[:, None]
    best = chips_by_tp.argmin(axis=0)
    each = np.arange(best.size)
    return ClosedFormFleet(
        replicas_by_tp=replicas_by_tp,
        tp_count=np.array(TP_COUNTS)[best],
        replicas_needed=replicas_by_tp[best, each],
        chips_needed=chips_by_tp[best, each],
    )


def _replicas_at(
    designs: DesignTable, classes: DesignClasses, pools: Sequence[Pool], tp_count: int
) -> Float[np.ndarray, "pools designs"]:
    """Replicas of pools of one LLM at one width; infinite where it is not legal."""
    deployment = pools[0].at_width(tp_count)
    capacity = capacity_tokens(designs, pools[0].llm, deployment).astype(np.float64)
    has_links = designs.link_world_count >= deployment.tp_count
    legal = [
        np.flatnonzero(has_links & (capacity >= LEAST_CAPACITY_CONTEXTS * _held(pool, deployment))) for pool in pools
    ]
    replicas = np.full((len(pools), len(designs)), np.inf)
    some = np.unique(np.concatenate(legal))
    if some.size == 0:
        return replicas
    own = classes.take(some)
    timer = StepTimer(designs=own.own, llm=pools[0].llm, deployment=deployment)
    shared = _shared_grids(timer, own, pools[0])
    for row, (pool, able) in enumerate(zip(pools, legal, strict=True)):
        held = _held(pool, deployment)
        room = np.where(np.isin(some, able), capacity[some], 0.0)
        replicas[row, some] = replicas_of(
            _grids_of(timer, own, pool.load, shared), _steady(pool, held), _reuse(pool.load), room
        )
    return replicas


def require_deployment(fleet: ClosedFormFleet, designs: DesignTable, pool: Pool, index: int = 0) -> None:
    """Refuse a design on which no replica of the pool's LLM fits.

    Raises:
        NoDeployment: With the memory and the widths that were tried.
    """
    if not np.isfinite(fleet.chips_needed[index]):
        gb = designs.hbm_bytes[index] / 1e9
        raise NoDeployment(
            f"{pool.llm.id} does not run on {designs.name[index]}: at tensor parallelism {TP_COUNTS} it does not "
            f"fit {gb:.0f} GB a chip with {LEAST_CAPACITY_CONTEXTS:.0f} contexts of {pool.load.context_tokens:,.0f} "
            f"tokens, or misses {pool.load.tpot_limit_s * 1e3:.0f} ms per token; name another LLM or chip"
        )


def _held(pool: Pool, deployment: Deployment) -> float:
    """Cache tokens that a call holds at the end of its answer, its fixed state included."""
    return pool.load.context_tokens + pool.load.output_tokens / 2.0 + state_tokens(pool.llm, deployment)


def _steady(pool: Pool, held_tokens: float) -> SteadyLoad:
    load = pool.load
    return SteadyLoad(
        calls_per_s=float(load.calls_per_s),
        output_tokens=float(load.output_tokens),
        fresh_tokens=float(load.fresh_tokens),
        shared_tokens=float(load.shared_tokens),
        held_tokens=float(held_tokens),
        tpot_limit_s=float(load.tpot_limit_s),
        most_tokens=float(pool.scheduler.max_batched_tokens),
        utilisation_ratio=PEAK_UTILISATION_RATIO,
    )


def _reuse(load: PoolLoad) -> ReusePattern:
    if load.reuse_gap_s.size == 0:
        return ReusePattern(np.empty(0), np.empty(0))
    gaps = np.concatenate([[0.0], load.reuse_gap_s])
    laid_down_s = np.array([np.minimum(load.reuse_gap_s, t).mean() for t in gaps])
    return ReusePattern(laid_down_s, np.append(0.0, np.linspace(0.02, 1.0, load.reuse_gap_s.size)))


Times = tuple[np.ndarray, np.ndarray, np.ndarray]


def _shared_grids(timer: StepTimer, classes: DesignClasses, pool: Pool) -> StepGrids:
    """What all pools of an LLM share: everything but attention."""
    tokens, chunks = 2.0 ** np.arange(0, 15, 2), 2.0 ** np.arange(0, 14, 2)
    batch = 2.0 ** np.arange(0, np.log2(pool.scheduler.max_sequences_count) + 1)
    by_tokens, by_rows = (decode_states(at, np.full_like(at, LEAST_CONTEXT)) for at in (tokens, batch))
    nothing = np.empty((0, 0)), np.empty((0, 0)), np.empty(0)
    return StepGrids(
        own_row=classes.own_row,
        link_row=classes.link_row,
        added_launch_ns=classes.added_launch_ns,
        tokens=tokens,
        dense=_times(timer, classes, KernelGroup.TOKENS, by_tokens),
        batch=batch,
        rows=_times(timer, classes, KernelGroup.ROWS, by_rows),
        decode=nothing,
        chunks=chunks,
        prefill=nothing,
    )


def _grids_of(timer: StepTimer, classes: DesignClasses, load: PoolLoad, shared: StepGrids) -> StepGrids:
    """With the attention of one pool's contexts."""
    context = np.full_like(shared.batch, load.context_tokens)
    before = np.full_like(shared.chunks, load.prefill_context_tokens)
    return shared._replace(
        decode=_times(timer, classes, KernelGroup.DECODE, decode_states(shared.batch, context)),
        prefill=_times(timer, classes, KernelGroup.PREFILL, prefill_states(shared.chunks, before)),
    )


def _times(timer: StepTimer, classes: DesignClasses, group: KernelGroup, states: StepStates) -> Times:
    found = group_times(timer, classes, group, states)
    return found.own_ns, found.links_ns, found.launches_count
