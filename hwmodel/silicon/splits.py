"""Which measured rows a model is fitted on, and which it is judged on."""

from collections.abc import Collection, Sequence

import numpy as np
import polars as pl
from jaxtyping import Bool, Int

TO_FIT, TO_CALIBRATE, TO_SCORE = 0, 1, 2
TEST_RATIO = 0.2
"""Share of the shapes that are held out."""
CALIBRATION_RATIO = 0.1
"""Share of the shapes that only the width of intervals is read from."""
SPLIT_SEED = 0


def shape_folds(rows: pl.DataFrame, shape: Sequence[str], *, seed: int = SPLIT_SEED) -> Int[np.ndarray, "rows"]:
    """`TO_FIT`, `TO_CALIBRATE` or `TO_SCORE` for each row: whole shapes, on all chips.

    Args:
        rows: Rows with the columns of `shape`.
        shape: What a shape is, such as ("n", "k") for all GEMMs with the same weights.
        seed: Another one gives another split.
    """
    shapes = rows.select(shape).unique().sort(shape)
    draw = np.random.default_rng(seed).random(len(shapes))
    calibrate = np.where(draw < TEST_RATIO + CALIBRATION_RATIO, TO_CALIBRATE, TO_FIT)
    fold = pl.Series(np.where(draw < TEST_RATIO, TO_SCORE, calibrate))
    told = rows.select(shape).join(shapes.with_columns(fold=fold), on=list(shape), how="left", maintain_order="left")
    return told["fold"].to_numpy()


def few(chosen: Bool[np.ndarray, "rows"], most: int, *, seed: int = SPLIT_SEED) -> Int[np.ndarray, "few"]:
    """Positions of at most so many of the chosen rows, drawn evenly, in order."""
    at = np.flatnonzero(chosen)
    return np.sort(np.random.default_rng(seed).permutation(at)[:most])


def few_per_chip(rows: pl.DataFrame, without: Collection[str], most: int) -> Int[np.ndarray, "few"]:
    """Positions of at most so many rows of every chip but those left out."""
    names = rows["chip"].to_numpy()
    kept = [name for name in sorted(set(names)) if name not in without]
    return np.concatenate([few(names == name, most) for name in kept])
