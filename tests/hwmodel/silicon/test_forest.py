"""Trees as arrays against scikit-learn's own prediction."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from hwmodel.silicon.forest import Forest, forest_of


def test_a_forest_predicts_what_scikit_learn_predicts_inside_and_outside_the_training_range() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2000, 5)).astype(np.float32)
    wanted = np.sin(features[:, 0]) + features[:, 1] * (features[:, 2] > 0)
    fitted = HistGradientBoostingRegressor(loss="absolute_error", max_iter=40, random_state=0).fit(features, wanted)
    asked = (3.0 * rng.normal(size=(3000, 5))).astype(np.float32)
    for rows in (features, asked):
        assert forest_of(fitted).predict(rows) == pytest.approx(fitted.predict(rows), abs=1e-6)


def test_columns_of_neighbouring_floats_are_told_apart_as_scikit_learn_does() -> None:
    """A threshold halfway between two neighbours has no name of its own in 32 bits: it must not round up."""
    values = [np.float32(1.0)]
    for _ in range(7):
        values.append(np.nextafter(values[-1], np.float32(2.0)))
    features = np.repeat(np.array(values, dtype=np.float32), 30)[:, None]
    wanted = np.repeat(np.arange(8.0), 30)
    fitted = HistGradientBoostingRegressor(max_iter=50, min_samples_leaf=5, random_state=0).fit(features, wanted)
    assert forest_of(fitted).predict(features) == pytest.approx(fitted.predict(features), abs=1e-4)


def test_trees_that_never_split_give_the_base_alone() -> None:
    features = np.zeros((50, 2), dtype=np.float32)
    fitted = HistGradientBoostingRegressor(max_iter=5, random_state=0).fit(features, np.full(50, 3.0))
    found = forest_of(fitted).predict(np.ones((4, 2), dtype=np.float32))
    assert found == pytest.approx([3.0] * 4)


def test_leaves_of_all_trees_are_added_to_the_base_with_equality_going_left() -> None:
    stump = Forest(
        feature=np.array([0, -1, -1, -1], dtype=np.int16),
        threshold=np.array([5.0, 1.0, 2.0, 10.0], dtype=np.float32),
        left=np.array([1, 0, 0, 0], dtype=np.int32),
        right=np.array([2, 0, 0, 0], dtype=np.int32),
        roots=np.array([0, 3], dtype=np.int32),
        base=100.0,
    )
    assert stump.predict(np.array([[5.0], [5.5]], dtype=np.float32)).tolist() == [111.0, 112.0]
