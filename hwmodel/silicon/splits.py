"""Which measured rows a model is judged on: whole shapes that it has not seen on any chip."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Bool, Int

TEST_RATIO = 0.2
"""Share of the shapes that are held out."""
CALIBRATION_RATIO = 0.1
"""Share of the shapes that only the width of intervals is read from."""
SPLIT_SEED = 0


def shape_folds(rows: pl.DataFrame, shape: Sequence[str], *, seed: int = SPLIT_SEED) -> Int[np.ndarray, "rows"]:
    """0 for rows to fit on, 1 for rows that calibrate intervals, 2 for rows to score: whole shapes, on all chips.

    Args:
        rows: Rows with the columns of `shape`.
        shape: What a shape is, such as ("n", "k") for all GEMMs with the same weights.
        seed: Another one gives another split.
    """
    shapes = rows.select(shape).unique().sort(shape)
    draw = np.random.default_rng(seed).random(len(shapes))
    fold = np.where(draw < TEST_RATIO, 2, np.where(draw < TEST_RATIO + CALIBRATION_RATIO, 1, 0))
    told = rows.select(shape).join(
        shapes.with_columns(fold=pl.Series(fold)), on=list(shape), how="left", maintain_order="left"
    )
    return told["fold"].to_numpy()


def few_of(fold: Int[np.ndarray, "rows"], wanted: int, most: int, *, seed: int) -> Bool[np.ndarray, "rows"]:
    """Rows of one fold, at most so many of them, drawn evenly."""
    at = np.flatnonzero(fold == wanted)
    chosen = np.zeros(fold.size, dtype=bool)
    chosen[np.random.default_rng(seed).permutation(at)[:most]] = True
    return chosen
