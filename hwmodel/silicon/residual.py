"""What the closed form leaves: a learned log ratio of measured to modelled time, never trusted beyond what was seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from hwmodel.silicon.errors import TooFewRows
from hwmodel.silicon.forest import Forest, forest_of

LEAST_ROWS = 100
MOST_LOG_RATIO = float(np.log(2.0))
"""A correction never more than doubles or halves the closed form."""
FADE_RATIO = 0.25
"""A feature that lies outside the training range by this share of the range halves the correction."""


TREE_ARRAYS = ("feature", "threshold", "left", "right", "roots")


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """Size of the boosted trees."""

    iterations: int
    leaves: int
    rate: float
    least_leaf_rows: int
    most_log_ratio: float = MOST_LOG_RATIO
    """Largest correction either way."""
    least_rows: int = LEAST_ROWS
    """Rows that a fit needs."""


SEEN_CHIPS = Learner(iterations=1000, leaves=63, rate=0.1, least_leaf_rows=20)
"""For chips that were measured at other shapes; sizes were chosen on the rows that calibrate intervals."""
UNSEEN_CHIPS = Learner(iterations=300, leaves=31, rate=0.08, least_leaf_rows=40)
"""For chips that nobody measured."""


class Residual(Protocol):
    """A fitted correction of any kind."""

    @property
    def rows_count(self) -> int:
        """Rows that it was fitted on."""

    def log_ratio(self, features: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows"]:
        """Log of measured over modelled time, as predicted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualLaw:
    """A fitted correction."""

    forest: Forest
    low_log: float
    """Corrections are clipped to the range of the measured ones."""
    high_log: float
    low: Float[np.ndarray, "features"]
    """Range of every feature in training."""
    high: Float[np.ndarray, "features"]
    rows_count: int

    def log_ratio(self, features: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows"]:
        """Log of measured over modelled time: clipped to what was seen, fading to 0 outside the training range."""
        fade = fade_outside(features, self.low, self.high)
        return np.asarray(fade * np.clip(self.forest.predict(features), self.low_log, self.high_log))

    def arrays(self) -> dict[str, np.ndarray]:
        """All that it is, as arrays to be kept in a file."""
        ends = np.array([self.forest.base, self.low_log, self.high_log, self.rows_count])
        trees = {name: getattr(self.forest, name) for name in TREE_ARRAYS}
        return {**trees, "ends": ends, "low": self.low, "high": self.high}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "ResidualLaw":
        """The correction that `arrays` came from."""
        base, low_log, high_log, rows_count = (float(value) for value in arrays["ends"])
        return cls(
            forest=Forest(base=base, **{name: arrays[name] for name in TREE_ARRAYS}),
            low_log=low_log,
            high_log=high_log,
            low=arrays["low"],
            high=arrays["high"],
            rows_count=int(rows_count),
        )


def fade_outside(
    features: Float[np.ndarray, "rows features"],
    low: Float[np.ndarray, "features"],
    high: Float[np.ndarray, "features"],
) -> Float[np.ndarray, "rows"]:
    """Weight of a correction: 1 inside the training range, falling with the feature that lies farthest outside."""
    outside = np.maximum(np.maximum(low - features, features - high), 0.0) / np.maximum(high - low, 1e-6)
    return np.asarray(1.0 / (1.0 + (outside.max(axis=1) / FADE_RATIO) ** 2))


def fit_residual(
    features: Float[np.ndarray, "rows features"],
    log_ratio: Float[np.ndarray, "rows"],
    learner: Learner = SEEN_CHIPS,
    *,
    seed: int = 0,
) -> ResidualLaw:
    """Boosted trees under absolute error, so that a slow library at one shape does not pull its neighbours.

    Args:
        features: Ratios without units.
        log_ratio: Log of measured over modelled time.
        learner: Size of the trees.
        seed: Of the binning's sample.

    Raises:
        TooFewRows: Fewer rows than a fit needs.
    """
    if len(log_ratio) < learner.least_rows:
        raise TooFewRows(f"{len(log_ratio)} rows to fit a residual on; it takes {learner.least_rows}")
    trees = HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=learner.iterations,
        learning_rate=learner.rate,
        max_leaf_nodes=learner.leaves,
        min_samples_leaf=learner.least_leaf_rows,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(limits=1, user_api="openmp"):  # threads that wait for each other crawl on a busy machine
        trees.fit(features, log_ratio)
    return ResidualLaw(
        forest=forest_of(trees),
        low_log=max(float(log_ratio.min()), -learner.most_log_ratio),
        high_log=min(float(log_ratio.max()), learner.most_log_ratio),
        low=features.min(axis=0),
        high=features.max(axis=0),
        rows_count=len(log_ratio),
    )
