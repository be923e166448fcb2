"""Two objectives, both to be raised: fronts, the area they dominate, and what a doubtful design would add to it."""

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import norm


def front_of(values: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "front 2"]:
    """Points that no other dominates, the first objective rising; of equal points one."""
    order = np.lexsort((-values[:, 1], -values[:, 0]))
    best, kept = -np.inf, []
    for row in order:
        if values[row, 1] > best:
            best = values[row, 1]
            kept.append(row)
    return values[kept[::-1]]


def hypervolume(values: Float[np.ndarray, "points 2"], reference: Float[np.ndarray, "2"]) -> float:
    """Area that the points dominate above the reference."""
    left, _, height = _strips(values, reference)
    right = np.append(left[1:], left[-1])
    return float(((right - left) * (height - reference[1])).sum())


def expected_improvement(
    mean: Float[np.ndarray, "designs 2"],
    sd: Float[np.ndarray, "designs 2"],
    values: Float[np.ndarray, "points 2"],
    reference: Float[np.ndarray, "2"],
) -> Float[np.ndarray, "designs"]:
    """Expected hypervolume improvement, exact for two independent normal objectives.

    Above the front lie strips of the first objective, from one point of the front to the next; in each, a new point
    gains width times height above the front, and the two factors are independent: the sum over strips of
    E[(min(f1, right) - left)+] E[(f2 - front)+] (after Emmerich, Deutz and Klinkenberg 2011).
    """
    left, right, height = _strips(values, reference)
    wide = _above(mean[:, :1], sd[:, :1], left) - _above(mean[:, :1], sd[:, :1], right)
    return (wide * _above(mean[:, 1:], sd[:, 1:], height)).sum(axis=1)


def pareto_order(values: Float[np.ndarray, "points 2"], least_count: int | None = None) -> Int[np.ndarray, "chosen"]:
    """Rows by front: the front of all, then that of the rest, and so on; within a front the larger sum first.

    Args:
        values: Of all points.
        least_count: Fronts are peeled off until this many rows are in order; all by default.
    """
    wanted = len(values) if least_count is None else min(least_count, len(values))
    remaining = np.lexsort((-values[:, 1], -values[:, 0]))
    layers = []
    while len(values) - remaining.size < wanted:
        second = values[remaining, 1]
        before = np.concatenate([[-np.inf], np.maximum.accumulate(second)[:-1]])
        layer = remaining[second > before]
        layers.append(layer[np.argsort(-values[layer].sum(axis=1), kind="stable")])
        remaining = remaining[second <= before]
    return np.concatenate(layers) if layers else remaining


def _strips(
    values: Float[np.ndarray, "points 2"], reference: Float[np.ndarray, "2"]
) -> tuple[Float[np.ndarray, "strips"], Float[np.ndarray, "strips"], Float[np.ndarray, "strips"]]:
    """Left and right edge of every strip of the first objective, and the height of the front there."""
    front = front_of(values[(values > reference).all(axis=1)])
    left = np.concatenate([reference[:1], front[:, 0]])
    height = np.concatenate([front[:, 1], reference[1:]])
    return left, np.append(left[1:], np.inf), height


def _above(
    mean: Float[np.ndarray, "designs 1"], sd: Float[np.ndarray, "designs 1"], level: Float[np.ndarray, "levels"]
) -> Float[np.ndarray, "designs levels"]:
    """E[(f - level)+] of a normal f."""
    z = (mean - level) / sd
    return np.where(
        np.isfinite(level), sd * norm.pdf(z) + (mean - np.where(np.isfinite(level), level, 0.0)) * norm.cdf(z), 0.0
    )
