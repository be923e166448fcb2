"""How much unequal contexts slow decode attention down, fitted to measured batches of long and short ones.

A batch of unequal contexts takes between the time of its mean context and that of its longest:
t = t_mean + alpha (t_longest - t_mean), the form of LLMServingSim (source `llmservingsim`). Its classes ask for the
shortest context; ours use what a step knows: prompt tokens, sequences, and mean over longest.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.serving.profiles.attention_grid import AttentionGrid

CHUNK_CLASSES = (0.0, 64.0, 512.0)
"""Largest prompt tokens of each class but the last: none, few, some, many."""
SHARE_CLASSES = (0.32, 0.5, 0.72)
"""Largest mean over longest of each class but the last."""
MOST_APART = 0.1
"""How far the median of equal batches may lie from the attention table, as a share of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """Alpha by class of prompt tokens, of sequences, and of mean over longest context."""

    alpha_ratio: Float[np.ndarray, "chunks decodings shares"]
    chunk_at: Float[np.ndarray, "chunk_bounds"]
    decoding_at: Float[np.ndarray, "decoding_bounds"]
    share_at: Float[np.ndarray, "share_bounds"]


def no_skew() -> Skew:
    """No correction: nothing was measured."""
    none = np.zeros(0)
    return Skew(alpha_ratio=np.zeros((1, 1, 1)), chunk_at=none, decoding_at=none, share_at=none)


def agrees(rows: pl.DataFrame, grid: AttentionGrid) -> bool:
    """Whether the sweep's batches of equal contexts take the times of the attention grid, in the median.

    A sweep that does not (one sums its repeats where the attention table averages them) was measured in another way,
    and is no evidence of what that table lacks.
    """
    return abs(_scale(rows, grid) - 1.0) <= MOST_APART


def skew_of(rows: pl.DataFrame, grid: AttentionGrid) -> Skew:
    """Alpha of each class, where the relative errors of its measured batches are least in squares.

    Both references come from the grid that steps are looked up in, so what it misses is not counted as skew; the median
    over batches of equal contexts brings the sweep to the grid's scale. A class without rows takes the value of all
    rows. Nothing is slower than its longest context or faster than its mean.

    Args:
        rows: With `n`, `pc`, `kp`, `kv_mean`, `kv_big`, `t_mean_us` (all contexts the mean one) and `t_skew_us`.
        grid: Times of equal contexts.
    """
    at_mean, at_longest = _looked_up(rows, grid, "kv_mean"), _looked_up(rows, grid, "kv_big")
    time = rows["t_skew_us"].to_numpy() / _scale(rows, grid)
    gap, excess = (at_longest - at_mean) / time, (time - at_mean) / time
    chunk, decoding = rows["pc"].to_numpy(), rows["n"].to_numpy()
    share = rows["kv_mean"].to_numpy() / rows["kv_big"].to_numpy()
    counts = np.unique(decoding)
    bounds = (np.array(CHUNK_CLASSES), np.sqrt(counts[1:] * counts[:-1]), np.array(SHARE_CLASSES))
    classes = tuple(
        np.searchsorted(bound, value) for bound, value in zip(bounds, (chunk, decoding, share), strict=True)
    )
    shape = [bound.size + 1 for bound in bounds]
    up, down = np.zeros(shape), np.zeros(shape)
    np.add.at(up, classes, gap * excess)
    np.add.at(down, classes, gap**2)
    pooled = up.sum() / down.sum() if down.sum() > 0.0 else 0.0
    alpha = np.where(down > 0.0, up / np.where(down > 0.0, down, 1.0), pooled)
    return Skew(alpha_ratio=np.clip(alpha, 0.0, 1.0), chunk_at=bounds[0], decoding_at=bounds[1], share_at=bounds[2])


def _scale(rows: pl.DataFrame, grid: AttentionGrid) -> float:
    return float(np.median(rows["t_mean_us"].to_numpy() / _looked_up(rows, grid, "kv_mean")))


def _looked_up(rows: pl.DataFrame, grid: AttentionGrid, history: str) -> Float[np.ndarray, "rows"]:
    """Times of the batches had they all the same context: straight lines along the four axes of the grid."""
    axes = (grid.chunk_at, grid.context_at, grid.decoding_at, grid.history_at)
    below, share = [], []
    for axis, name in zip(axes, ("pc", "kp", "n", history), strict=True):
        value = rows[name].to_numpy()
        at = np.clip(np.searchsorted(axis, value, side="right") - 1, 0, axis.size - 2)
        below.append(at)
        share.append((value - axis[at]) / (axis[at + 1] - axis[at]))
    total = np.zeros(len(rows))
    for corner in product((0, 1), repeat=len(axes)):
        weights = [part if up else 1.0 - part for up, part in zip(corner, share, strict=True)]
        total += np.prod(weights, axis=0) * grid.time_us[tuple(at + up for at, up in zip(below, corner, strict=True))]
    return total
