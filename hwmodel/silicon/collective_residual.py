"""What the closed form leaves of collectives: few rows on a grid of sizes, so a Gaussian process beside trees."""

from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve
from sklearn.ensemble import ExtraTreesRegressor

from hwmodel.silicon.errors import TooFewRows
from hwmodel.silicon.residual import LEAST_ROWS, MOST_LOG_RATIO, SEEN_CHIPS, Learner, fade_outside

COLUMNS = ("log2_bytes", "log2_ranks", "operation", "width", "fabric", "log_link_bytes_per_clk", "log_link_share")
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


class CollectiveResidual:
    """Mean of a Gaussian process and of extremely randomised trees, clipped to the range that was measured.

    Both learners are fitted when they are first asked.
    """

    def __init__(
        self, features: Float[np.ndarray, "rows features"], log_ratio: Float[np.ndarray, "rows"], *, seed: int
    ) -> None:
        """Measured residuals at features whose first columns are `COLUMNS`."""
        self._features, self._log_ratio, self._seed = features, log_ratio, seed
        self.rows_count = len(log_ratio)

    def log_ratio(self, features: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows"]:
        """Log of measured over modelled time: clipped to what was seen, fading to 0 outside the training range."""
        fade = fade_outside(features, self._features.min(axis=0), self._features.max(axis=0))
        share, centre, points, weights = self._process
        smooth = centre + covariance(_points(features), points) @ weights
        both = share * smooth + (1.0 - share) * self._trees.predict(features)
        least, most = (float(end(self._log_ratio)) for end in (np.min, np.max))
        return np.asarray(fade * np.clip(both, max(least, -MOST_LOG_RATIO), min(most, MOST_LOG_RATIO)))

    @cached_property
    def _process(self) -> tuple[float, float, Points, Float[np.ndarray, "kept"]]:
        """Weight in the mean (0 where stacks share a point, which the process cannot tell apart), centre, dual form."""
        kept = np.sort(np.random.default_rng(self._seed).permutation(self.rows_count)[:MOST_ROWS])
        points, centre = _points(self._features[kept]), float(np.median(self._log_ratio))
        matrix = covariance(points, points)
        matrix[np.diag_indices_from(matrix)] += NOISE**2
        share = 0.5 if len(np.unique(points, axis=0)) == len(points) else 0.0
        return share, centre, points, cho_solve(cho_factor(matrix), self._log_ratio[kept] - centre)

    @cached_property
    def _trees(self) -> ExtraTreesRegressor:
        trees = ExtraTreesRegressor(TREES, max_features=0.5, random_state=self._seed)
        return trees.fit(self._features, self._log_ratio)


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
    return CollectiveResidual(features, log_ratio, seed=seed)


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
