"""Boosted trees as plain arrays: what a fit learned, without the library that fitted it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numba import njit
from sklearn.ensemble import HistGradientBoostingRegressor


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """Binary trees one after another; node arrays have one entry per node of all trees."""

    feature: Int[np.ndarray, "nodes"]
    """Column that a node asks for; -1 at a leaf."""
    threshold: Float[np.ndarray, "nodes"]
    """Left where the column is at most this; at a leaf, its value."""
    left: Int[np.ndarray, "nodes"]
    """Position of the left child, counted from the first node of all trees. So the next."""
    right: Int[np.ndarray, "nodes"]
    roots: Int[np.ndarray, "trees"]
    base: float
    """What the trees are added to."""

    def predict(self, features: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows"]:
        """Sum of the leaves that each row falls into."""
        out = np.full(len(features), self.base)
        _add_leaves(features, self.feature, self.threshold, self.left, self.right, self.roots, out)
        return out


def forest_of(fitted: HistGradientBoostingRegressor) -> Forest:
    """The trees of a fitted regressor; reads its node table, whose layout the lock pins."""
    tables = [stage[0].nodes for stage in fitted._predictors]  # noqa: SLF001 - scikit-learn has no public way
    starts = np.cumsum([0, *(len(table) for table in tables)])
    nodes = np.concatenate(tables)
    offset = np.repeat(starts[:-1], [len(table) for table in tables])
    is_leaf = nodes["is_leaf"].astype(bool)
    asked = rounded_down(nodes["num_threshold"])
    return Forest(
        feature=np.where(is_leaf, -1, nodes["feature_idx"]).astype(np.int16),
        threshold=np.where(is_leaf, nodes["value"].astype(np.float32), asked),
        left=(nodes["left"] + offset).astype(np.int32),
        right=(nodes["right"] + offset).astype(np.int32),
        roots=starts[:-1].astype(np.int32),
        base=float(fitted._baseline_prediction.ravel()[0]),  # noqa: SLF001
    )


def rounded_down(values: Float[np.ndarray, "nodes"]) -> Float[np.ndarray, "nodes"]:
    """In 32 bits, never above: a column of 32 bits then goes the same way as under the value itself."""
    near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)


@njit(cache=True, nogil=True)
def _add_leaves(features, feature, threshold, left, right, roots, out):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, PLR0917 - compiled
    for row in range(features.shape[0]):
        for root in roots:
            node = root
            while feature[node] >= 0:
                node = left[node] if features[row, feature[node]] <= threshold[node] else right[node]
            out[row] += threshold[node]
