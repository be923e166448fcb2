"""Where step-time tables compute the chip model, and straight lines between these points.

Kernels work in tiles of 16 rows and more: their time jumps behind multiples of the tile. A grid has the points on both
sides of such places, so that no straight line crosses a jump. Where tiles of a coarser grid fall behind the points,
lines cut across steps that are small against the whole.
"""

import numpy as np
from jaxtyping import Float

from hwmodel.serving.step_cost import LEAST_CONTEXT

LAST_CONTEXT = 2.0**20
TILE_ROWS = 16
"""Rows of the smallest tile that the chip model knows for products."""


def jumping_grid(most: int, *, whole: int, jumps_per_octave: int) -> Float[np.ndarray, "grid"]:
    """Every whole number up to `whole`, then pairs of neighbours at the multiples of a width that grows by octave.

    Args:
        most: The grid reaches at least this number.
        whole: A multiple of `TILE_ROWS`.
        jumps_per_octave: Pairs per doubling, a power of two; fewer where tiles are wider than that.
    """
    points = set(range(1, whole + 1))
    at = whole
    while at < most:
        points |= {at, at + 1}
        width = max(TILE_ROWS, _octave(at) // jumps_per_octave)
        at += width
    return np.array(sorted(points | {at}), dtype=np.float64)


def smooth_grid(most: int, *, points_per_octave: int) -> Float[np.ndarray, "grid"]:
    """Whole numbers from 1 to at least `most`, all of them at first, then so many per doubling."""
    points = [1]
    while points[-1] < most:
        points.append(points[-1] + max(1, _octave(points[-1]) // points_per_octave))
    return np.array(points, dtype=np.float64)


def context_grid(steps: int) -> Float[np.ndarray, "grid"]:
    """Contexts from the least to the last one, `steps` per doubling, evenly between one power of two and the next."""
    octaves = LEAST_CONTEXT * 2.0 ** np.arange(np.log2(LAST_CONTEXT / LEAST_CONTEXT))
    within = 1.0 + np.arange(steps) / steps
    return np.append((octaves[:, None] * within).ravel(), LAST_CONTEXT)


def pairs(
    rows: Float[np.ndarray, "rows"], contexts: Float[np.ndarray, "contexts"]
) -> tuple[Float[np.ndarray, "pairs"], Float[np.ndarray, "pairs"]]:
    """All pairs of rows and context, contexts of one row together."""
    return np.repeat(rows, contexts.size), np.tile(contexts, rows.size)


def at_whole_numbers(
    at: Float[np.ndarray, "grid"], values: Float[np.ndarray, "designs grid *rest"], last: int
) -> Float[np.ndarray, "designs numbers *rest"]:
    """Values at 0, 1 ... `last`, by straight lines between grid points; entry 0 holds what 1 does."""
    wanted = np.clip(np.arange(last + 1, dtype=np.float64), at[0], at[-1])
    high = np.clip(np.searchsorted(at, wanted), 1, at.size - 1)
    share = (wanted - at[high - 1]) / (at[high] - at[high - 1])
    share = share.reshape(-1, *(1,) * (values.ndim - 2))
    return values[:, high - 1] * (1.0 - share) + values[:, high] * share


def _octave(number: int) -> int:
    """The largest power of two up to a number."""
    return 1 << (number.bit_length() - 1)
