"""Replicas that a steady load needs, out of step times: the closed form of a fleet as one compiled loop."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

FIXED_POINT_ROUNDS = 4


class SteadyLoad(NamedTuple):
    """Means of a demand, and what the engine allows."""

    calls_per_s: float
    output_tokens: float
    fresh_tokens: float
    """Prompt tokens that no cache can hold."""
    shared_tokens: float
    held_tokens: float
    """Cache tokens that a call holds at the end of its answer."""
    tpot_limit_s: float
    most_tokens: float
    """Prompt tokens of a step."""
    utilisation_ratio: float
    """Share of a replica's throughput that the promises leave usable."""


class StepGrids(NamedTuple):
    """Step times in ns of classes of designs; see `GroupTimes` for how a design takes its own."""

    own_row: np.ndarray
    link_row: np.ndarray
    added_launch_ns: np.ndarray
    tokens: np.ndarray
    dense: tuple[np.ndarray, np.ndarray, np.ndarray]
    """Own, links, launches; by tokens of the step. So the next, by what they depend on."""
    batch: np.ndarray
    rows: tuple[np.ndarray, np.ndarray, np.ndarray]
    decode: tuple[np.ndarray, np.ndarray, np.ndarray]
    chunks: np.ndarray
    prefill: tuple[np.ndarray, np.ndarray, np.ndarray]


class ReusePattern(NamedTuple):
    """When contexts are wanted again; empty arrays where they never are."""

    laid_down_s: np.ndarray
    """E[min(gap, T)] of every T, from 0: what one call a second lays down in T, in calls."""
    covered_ratio: np.ndarray
    """Share of gaps up to T."""


@njit(cache=True, nogil=True)
def _along(grid: Any, values: Any, at: float) -> float:
    """Straight lines between grid points, the ends held."""
    wanted = min(max(at, grid[0]), grid[-1])
    high = 1
    while high < grid.size - 1 and grid[high] < wanted:
        high += 1
    share = (wanted - grid[high - 1]) / (grid[high] - grid[high - 1])
    return float(values[high - 1] * (1.0 - share) + values[high] * share)


@njit(cache=True, nogil=True)
def cached_ratio(reuse: ReusePattern, calls_held_per_s: float, free_tokens: float) -> float:
    """Share of contexts still cached when they are wanted again (characteristic time of an LRU cache).

    A context survives T seconds where what is laid down in T, E[min(gap, T)] x rate, fills the free memory.

    Args:
        reuse: Times between uses.
        calls_held_per_s: Calls per second of a replica times the tokens that each holds.
        free_tokens: Memory beside the running batch.
    """
    laid_down, covered = reuse.laid_down_s, reuse.covered_ratio
    if laid_down.size == 0:
        return 1.0
    room_s = max(free_tokens, 0.0) / max(calls_held_per_s, 1e-9)
    above = np.searchsorted(laid_down, room_s, side="right")
    if above == 0:
        return float(covered[0])
    if above == laid_down.size:
        return float(covered[-1])
    share = (room_s - laid_down[above - 1]) / (laid_down[above] - laid_down[above - 1])
    return float(covered[above - 1] + share * (covered[above] - covered[above - 1]))


@njit(cache=True, nogil=True)
def _gather(parts: Any, own: int, link: int, added_ns: float, out: Any) -> None:
    own_ns, links_ns, launches = parts
    for state in range(out.size):
        out[state] = own_ns[own, state] + links_ns[link, state] + launches[state] * added_ns


@njit(cache=True, nogil=True)
def replicas_of(grids: StepGrids, load: SteadyLoad, reuse: ReusePattern, capacity_tokens: Any) -> Any:
    """Replicas for a load on every design; infinite where no batch keeps the time per token.

    The largest throughput n / (output x step) over batches n whose step keeps the time per token and whose context
    fits. Prompt tokens enter each step in proportion n x uncached / output; those of the other n - 1 calls hold a
    call's own tokens up. What is cached follows from the memory left beside the batch; four rounds settle both.
    """
    count, sizes = capacity_tokens.size, grids.batch.size
    found = np.full(count, np.inf)
    dense, prefill = np.empty(grids.tokens.size), np.empty(grids.chunks.size)
    fixed, decode = np.empty(sizes), np.empty(sizes)
    for design in range(count):
        own, link, added = grids.own_row[design], grids.link_row[design], grids.added_launch_ns[design]
        _gather(grids.dense, own, link, added, dense)
        _gather(grids.rows, own, link, added, fixed)
        _gather(grids.decode, own, link, added, decode)
        _gather(grids.prefill, own, link, added, prefill)
        hit = 1.0
        for _ in range(FIXED_POINT_ROUNDS):
            uncached = load.fresh_tokens + (1.0 - hit) * load.shared_tokens
            best_rate, best = 0.0, 0
            for at in range(sizes):
                batch = grids.batch[at]
                if batch * load.held_tokens > capacity_tokens[design]:
                    break
                prompt = min(batch * uncached / load.output_tokens, load.most_tokens)
                others = prompt * (1.0 - 1.0 / batch)
                beside = fixed[at] + decode[at]
                held_up = _along(grids.tokens, dense, batch + others) + beside
                held_up += _along(grids.chunks, prefill, others) * min(others, 1.0)
                if held_up / 1e9 > load.tpot_limit_s:
                    continue
                step = _along(grids.tokens, dense, batch + prompt) + beside
                step += _along(grids.chunks, prefill, prompt) * min(prompt, 1.0)
                rate = prompt / (uncached * step / 1e9)
                if rate > best_rate:
                    best_rate, best = rate, at
            replicas = np.inf
            if best_rate > 0.0:
                replicas = load.calls_per_s / (load.utilisation_ratio * best_rate)
            free = capacity_tokens[design] - grids.batch[best] * load.held_tokens
            if np.isinf(replicas):
                free = 0.0
            per_replica = load.calls_per_s / max(replicas, 1e-9) * load.held_tokens
            hit = cached_ratio(reuse, per_replica, free)
        found[design] = replicas
    return found
