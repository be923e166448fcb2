"""What the closed form leaves of collectives: few rows on a grid of sizes, so a Gaussian process beside trees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve
from sklearn.ensemble import ExtraTreesRegressor

from hwmodel.silicon.errors import TooFewRows
from hwmodel.silicon.residual import FADE_RATIO, LEAST_ROWS, MOST_LOG_RATIO, SEEN_CHIPS, Learner

COLUMNS = ("log2_bytes", "log2_ranks", "operation", "width", "fabric", "log_latency_clk", "log_link_share")
"""What the process reads: the first columns of the features."""
MOST_ROWS = 6000
"""Rows that the process keeps, drawn evenly: its work grows with their cube."""
BYTES_LENGTH, RANKS_LENGTH = 5.0, 3.0
"""Doublings over which residuals stay alike. Chosen on A100 to B200 before any chip was left out. So the rest."""
OTHER_OPERATION, OTHER_WIDTH, OTHER_CHIP = 0.5, 0.9, 0.5
"""Correlation between operations, between element widths, and between chips that have nothing in common."""
CHIP_LENGTH = 0.1
"""Difference in the logs of a chip's ratios over which two chips stop being twins."""
VARIANCE, SLOW_VARIANCE = 0.2, 0.05
"""Of residuals, and of what all rows share."""
SLOW_LENGTH = 40.0
NOISE = 0.03
TREES = 300
"""Averaged, so that a grid of sizes gives smooth steps."""

Points = Float[np.ndarray, "rows columns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectiveResidual:
    """Mean of a Gaussian process and of extremely randomised trees, clipped to the range that was measured."""

    smooth_share: float
    """Weight of the process; 0 where rows of several stacks share a point, which it cannot tell apart."""
    points: Points
    weights: Float[np.ndarray, "rows"]
    centre_log: float
    trees: ExtraTreesRegressor
    low_log: float
    """Corrections are clipped to the range of the measured ones."""
    high_log: float
    low: Float[np.ndarray, "features"]
    """Range of every feature in training."""
    high: Float[np.ndarray, "features"]
    rows_count: int

    def log_ratio(self, features: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows"]:
        """Log of measured over modelled time: clipped to what was seen, fading to 0 outside the training range."""
        span = np.maximum(self.high - self.low, 1e-6)
        outside = np.maximum(np.maximum(self.low - features, features - self.high), 0.0) / span
        fade = 1.0 / (1.0 + (outside.max(axis=1) / FADE_RATIO) ** 2)
        smooth = self.centre_log + covariance(_points(features), self.points) @ self.weights
        both = self.smooth_share * smooth + (1.0 - self.smooth_share) * self.trees.predict(features)
        told = np.clip(both, self.low_log, self.high_log)
        return np.asarray(fade * told)


def fit_collective_residual(
    features: Float[np.ndarray, "rows features"],
    log_ratio: Float[np.ndarray, "rows"],
    learner: Learner = SEEN_CHIPS,
    *,
    seed: int = 0,
) -> CollectiveResidual:
    """An exact Gaussian process on `COLUMNS` and trees on all features.

    Args:
        features: Ratios without units, `COLUMNS` first.
        log_ratio: Log of measured over modelled time.
        learner: Size of boosted trees; none are grown here.
        seed: Of the trees, and of the rows that the process keeps.

    Raises:
        TooFewRows: Fewer rows than a fit needs.
    """
    del learner
    if len(log_ratio) < LEAST_ROWS:
        raise TooFewRows(f"{len(log_ratio)} rows to fit a residual on; it takes {LEAST_ROWS}")
    kept = np.sort(np.random.default_rng(seed).permutation(len(log_ratio))[:MOST_ROWS])
    points, centre = _points(features[kept]), float(np.median(log_ratio))
    matrix = covariance(points, points)
    matrix[np.diag_indices_from(matrix)] += NOISE**2
    trees = ExtraTreesRegressor(TREES, max_features=0.5, random_state=seed).fit(features, log_ratio)
    return CollectiveResidual(
        smooth_share=0.5 if len(np.unique(points, axis=0)) == len(points) else 0.0,
        points=points,
        weights=cho_solve(cho_factor(matrix), log_ratio[kept] - centre),
        centre_log=centre,
        trees=trees,
        low_log=max(float(log_ratio.min()), -MOST_LOG_RATIO),
        high_log=min(float(log_ratio.max()), MOST_LOG_RATIO),
        low=features.min(axis=0),
        high=features.max(axis=0),
        rows_count=len(log_ratio),
    )


def covariance(first: Points, second: Points) -> Float[np.ndarray, "rows others"]:
    """Of residuals at two sets of points with the columns `COLUMNS`.

    Matern 3/2 over the size, exponential over the ranks, times what operation, width and chip have in common.
    """

    def apart(column: int) -> Float[np.ndarray, "rows others"]:
        return np.abs(first[:, None, column] - second[None, :, column])

    scaled = np.sqrt(3.0) * apart(0)
    alike = np.exp(-(apart(4) + apart(5) + apart(6)) / CHIP_LENGTH)
    chip = OTHER_CHIP + (1.0 - OTHER_CHIP) * alike
    operation = np.where(apart(2) == 0.0, 1.0, OTHER_OPERATION)
    width = np.where(apart(3) == 0.0, 1.0, OTHER_WIDTH)
    near = scaled / BYTES_LENGTH
    quick = (1.0 + near) * np.exp(-near - apart(1) / RANKS_LENGTH) * operation * width * chip
    far = scaled / SLOW_LENGTH
    slow = (1.0 + far) * np.exp(-far - apart(1) / RANKS_LENGTH) * np.sqrt(operation * width * chip)
    return VARIANCE * quick + SLOW_VARIANCE * slow


def _points(features: Float[np.ndarray, "rows features"]) -> Points:
    return np.asarray(features[:, : len(COLUMNS)], dtype=np.float64)
