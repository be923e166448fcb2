"""What the closed form leaves: a learned log ratio of measured to modelled time, never beyond what was seen."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float
from sklearn.ensemble import HistGradientBoostingRegressor

from hwmodel.silicon.errors import TooFewRows

LEAST_ROWS = 100
ITERATIONS = 600
LEARNING_RATE = 0.1
LEAVES = 63
LEAST_LEAF_ROWS = 20
"""Chosen on the rows that calibrate intervals, never on those that are scored."""


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

    trees: HistGradientBoostingRegressor
    low_log: float
    """Corrections are clipped to the range of the measured ones."""
    high_log: float
    rows_count: int

    def log_ratio(self, features: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows"]:
        """Log of measured over modelled time, as predicted."""
        return np.clip(self.trees.predict(features), self.low_log, self.high_log)


def fit_residual(
    features: Float[np.ndarray, "rows features"], log_ratio: Float[np.ndarray, "rows"], *, seed: int = 0
) -> ResidualLaw:
    """Boosted trees under absolute error, so that a slow library at one shape does not pull its neighbours.

    Args:
        features: Ratios without units.
        log_ratio: Log of measured over modelled time.
        seed: Of the binning's sample.

    Raises:
        TooFewRows: Fewer rows than a fit needs.
    """
    if len(log_ratio) < LEAST_ROWS:
        raise TooFewRows(f"{len(log_ratio)} rows to fit a residual on; it takes {LEAST_ROWS}")
    trees = HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=ITERATIONS,
        learning_rate=LEARNING_RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAST_LEAF_ROWS,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    ).fit(features, log_ratio)
    return ResidualLaw(
        trees=trees, low_log=float(log_ratio.min()), high_log=float(log_ratio.max()), rows_count=len(log_ratio)
    )
