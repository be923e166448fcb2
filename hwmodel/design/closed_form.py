"""How many replicas a demand needs, in closed form: the level-0 answer for every design of the space at once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hwmodel.catalog import Deployment, DesignTable
from hwmodel.design.errors import NoDeployment
from hwmodel.design.pool import Pool, PoolLoad
from hwmodel.serving import (
    KernelGroup,
    StepTimer,
    capacity_tokens,
    decode_states,
    prefill_states,
    state_tokens,
)

TP_COUNTS = (1, 2, 4, 8)
PEAK_UTILISATION_RATIO = 0.75
"""Share of a replica's throughput that the promises leave usable. Assumed; the learned residual corrects it."""
FIXED_POINT_ROUNDS = 4
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
    replicas_by_tp = np.stack([_replicas_at(designs, pool, pool.at_width(tp_count)) for tp_count in TP_COUNTS])
    chips_by_tp = replicas_by_tp * np.array(TP_COUNTS)[:, None]
    best = chips_by_tp.argmin(axis=0)
    each = np.arange(len(designs))
    return ClosedFormFleet(
        replicas_by_tp=replicas_by_tp,
        tp_count=np.array(TP_COUNTS)[best],
        replicas_needed=replicas_by_tp[best, each],
        chips_needed=chips_by_tp[best, each],
    )


def _replicas_at(designs: DesignTable, pool: Pool, deployment: Deployment) -> Float[np.ndarray, "designs"]:
    """Replicas at one deployment; infinite where it is not legal."""
    room = capacity_tokens(designs, pool.llm, deployment) >= LEAST_CAPACITY_CONTEXTS * _held(pool, deployment)
    legal = np.flatnonzero(room & (designs.link_world_count >= deployment.tp_count))
    replicas = np.full(len(designs), np.inf)
    if legal.size:
        timer = StepTimer(designs=designs.take(legal), llm=pool.llm, deployment=deployment)
        replicas[legal] = replicas_needed(timer, pool)
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


def replicas_needed(timer: StepTimer, pool: Pool) -> Float[np.ndarray, "designs"]:
    """Replicas for a pool's load on every design; infinite where no batch keeps the time per token.

    The largest batch n whose step keeps the time per token and whose context fits gives the throughput of a replica,
    n / (output x step). Prompt tokens enter each step in proportion n x uncached / output; those of the other n - 1
    calls hold a call's own tokens up. The share of prefixes still
    cached when they are wanted follows from the memory left beside the running batch: a context survives T seconds
    where the contexts laid down in T, E[min(gap, T)] x rate, fill that memory (characteristic time of an LRU cache).
    """
    load, scheduler = pool.load, pool.scheduler
    batch = 2.0 ** np.arange(0, np.log2(scheduler.max_sequences_count) + 1)
    capacity = capacity_tokens(timer.designs, timer.llm, timer.deployment).astype(np.float64)
    held = _held(pool, timer.deployment)
    fits = batch[None, :] * held <= capacity[:, None]
    tables = _Tables.of(timer, load, batch)
    hit = np.ones(len(timer.designs))
    replicas = np.full(len(timer.designs), np.inf)
    for _ in range(FIXED_POINT_ROUNDS):
        uncached = load.fresh_tokens + (1.0 - hit) * load.shared_tokens
        per_step = np.minimum(batch[None, :] * uncached[:, None] / load.output_tokens, scheduler.max_batched_tokens)
        step_s = tables.step_ns(batch, per_step) / 1e9
        calls_per_s = per_step / (uncached[:, None] * step_s)
        from_others = per_step * (1.0 - 1.0 / batch[None, :])
        good = fits & (tables.step_ns(batch, from_others) / 1e9 <= load.tpot_limit_s)
        best = np.where(good, calls_per_s, 0.0).argmax(axis=1)
        each = np.arange(best.size)
        throughput = np.where(good.any(axis=1), calls_per_s[each, best], 0.0)
        with np.errstate(divide="ignore"):
            replicas = load.calls_per_s / (PEAK_UTILISATION_RATIO * throughput)
        hit = _hit_ratio(load, held, capacity - batch[best] * held, replicas)
    return replicas


def _held(pool: Pool, deployment: Deployment) -> float:
    """Cache tokens that a call holds at the end of its answer, its fixed state included."""
    return pool.load.context_tokens + pool.load.output_tokens / 2.0 + state_tokens(pool.llm, deployment)


def _hit_ratio(
    load: PoolLoad, held: float, free_tokens: Float[np.ndarray, "designs"], replicas: Float[np.ndarray, "designs"]
) -> Float[np.ndarray, "designs"]:
    if load.reuse_gap_s.size == 0:
        return np.ones_like(replicas)
    gaps = np.concatenate([[0.0], load.reuse_gap_s])
    laid_down_s = np.array([np.minimum(load.reuse_gap_s, t).mean() for t in gaps])
    covered = np.append(0.0, np.linspace(0.02, 1.0, load.reuse_gap_s.size))
    rate = load.calls_per_s / np.maximum(replicas, 1e-9) * held
    room_s = np.where(np.isfinite(replicas), np.maximum(free_tokens, 0.0) / np.maximum(rate, 1e-9), 0.0)
    return np.interp(room_s, laid_down_s, covered)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tables:
    """Step times of all designs along the axes that the closed form walks."""

    tokens: Float[np.ndarray, "tokens"]
    dense_ns: Float[np.ndarray, "designs tokens"]
    rows_ns: Float[np.ndarray, "designs batch"]
    decode_ns: Float[np.ndarray, "designs batch"]
    chunks: Float[np.ndarray, "chunks"]
    prefill_ns: Float[np.ndarray, "designs chunks"]

    @classmethod
    def of(cls, timer: StepTimer, load: PoolLoad, batch: Float[np.ndarray, "batch"]) -> "_Tables":
        tokens = 2.0 ** np.arange(0, 15, 2)
        chunks = 2.0 ** np.arange(0, 14, 2)
        context = np.full_like(batch, load.context_tokens)
        before = np.full_like(chunks, load.prefill_context_tokens)
        return cls(
            tokens=tokens,
            dense_ns=timer.group_ns(KernelGroup.TOKENS, decode_states(tokens, np.full_like(tokens, 32.0))),
            rows_ns=timer.group_ns(KernelGroup.ROWS, decode_states(batch, context)),
            decode_ns=timer.group_ns(KernelGroup.DECODE, decode_states(batch, context)),
            chunks=chunks,
            prefill_ns=timer.group_ns(KernelGroup.PREFILL, prefill_states(chunks, before)),
        )

    def step_ns(
        self, batch: Float[np.ndarray, "batch"], prompt: Float[np.ndarray, "designs batch"]
    ) -> Float[np.ndarray, "designs batch"]:
        """Steps of every batch size with that many prompt tokens beside."""
        dense = _along(self.tokens, self.dense_ns, batch[None, :] + prompt)
        prefill = _along(self.chunks, self.prefill_ns, prompt) * np.minimum(prompt, 1.0)
        return dense + prefill + self.rows_ns + self.decode_ns


def _along(
    grid: Float[np.ndarray, "grid"], table: Float[np.ndarray, "designs grid"], at: Float[np.ndarray, "designs batch"]
) -> Float[np.ndarray, "designs batch"]:
    """Each design's own row of the table, by straight lines between grid points."""
    wanted = np.clip(at, grid[0], grid[-1])
    high = np.clip(np.searchsorted(grid, wanted), 1, grid.size - 1)
    share = (wanted - grid[high - 1]) / (grid[high] - grid[high - 1])
    below = np.take_along_axis(table, high - 1, axis=1)
    return below * (1.0 - share) + np.take_along_axis(table, high, axis=1) * share
