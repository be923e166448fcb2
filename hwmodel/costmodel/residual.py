"""A Gaussian process on the log ratio of replay to closed form, shrunk to the mean ratio where it has seen nothing."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from hwmodel.costmodel.conformal import NORMAL_90, NOTHING_ACQUIRED, Recalibration

PART = 8192
"""Designs predicted at a time: the covariance with every training replay is held."""
LEAST_SD = 0.01
"""No prediction claims to be closer than this: a replay resolves about one per cent of a fleet."""
SAMPLE_SD = 0.08
"""Log deviation between a design's gain on the search's sample and on the full replay, which a prediction is for.
Measured on repeated runs of the default mix: 0.03 to 0.18, and most of it common to all designs of a run. A run
corrects it by what two samples of its own say (`sampling_sd`)."""
SAMPLE_SD_WEIGHT = 4.0
"""Pairs of samples that `SAMPLE_SD` counts for. Assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Predicted value of designs with the emulator's 90 % interval; arrays have one entry per design."""

    mean: Float[np.ndarray, "designs"]
    low: Float[np.ndarray, "designs"]
    high: Float[np.ndarray, "designs"]
    sd_log: Float[np.ndarray, "designs"]
    """Of the residual alone, without what all designs of a run share; what a search should weigh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualModel:
    """A fitted residual. Predictions are closed form x exp(residual)."""

    process: GaussianProcessRegressor
    mean_log: float
    """Mean log ratio: what is predicted far from every replayed design."""
    spread_ratio: float
    """Factor on the process's own deviation, so that its left-out replays lie inside 90 % intervals."""
    low_log: float
    high_log: float
    """Residuals are clipped to the range seen in training."""
    training_count: int
    sample_sd: float | None = None
    """Log deviation between sample and full replay; `SAMPLE_SD` if None, 0 where the sample is what is predicted."""

    def predict(
        self, features: Float[np.ndarray, "designs features"], closed_form: Float[np.ndarray, "designs"]
    ) -> Prediction:
        """Values in the unit of `closed_form`."""
        residual, sd = self.log_residual(features)
        mean = closed_form * np.exp(residual)
        width = np.exp(NORMAL_90 * np.hypot(sd, SAMPLE_SD if self.sample_sd is None else self.sample_sd))
        return Prediction(mean=mean, low=mean / width, high=mean * width, sd_log=sd)

    def log_residual(
        self, features: Float[np.ndarray, "designs features"]
    ) -> tuple[Float[np.ndarray, "designs"], Float[np.ndarray, "designs"]]:
        """Log of replay over closed form, and its deviation."""
        means, sds = zip(*(self.process.predict(part, return_std=True) for part in _parts(features)), strict=True)
        residual = np.clip(np.concatenate(means) + self.mean_log, self.low_log, self.high_log)
        return residual, np.maximum(np.concatenate(sds) * self.spread_ratio, LEAST_SD)

    def believing(self, features: Float[np.ndarray, "1 features"]) -> "ResidualModel":
        """As if these designs had been replayed with the predicted result (kriging believer): only doubt shrinks."""
        target = self.process.predict(features)
        sure = GaussianProcessRegressor(self.process.kernel_, optimizer=None)
        sure.fit(np.vstack([self.process.X_train_, features]), np.append(self.process.y_train_, target))
        return replace(self, process=sure)


def _parts(features: Float[np.ndarray, "designs features"]) -> Iterator[Float[np.ndarray, "part features"]]:
    for start in range(0, len(features), PART):
        yield features[start : start + PART]


def fit_residual(
    features: Float[np.ndarray, "designs features"],
    closed_form: Float[np.ndarray, "designs"],
    replayed: Float[np.ndarray, "designs"],
    *,
    recalibration: Recalibration = NOTHING_ACQUIRED,
    sample_sd: float | None = None,
) -> ResidualModel:
    """Fit on replayed designs.

    The interval is widened by how far each replay lies from the prediction of the process fitted without it (leave
    one out, hyperparameters kept), so that 90 % of them are covered, and by how far designs that a search picked lay
    from what was predicted of them before.

    Args:
        features: Design parameters scaled to about unit range, and what the closed form says; see `Scored`.
        closed_form: Level-0 values.
        replayed: The same by replay.
        recalibration: What picked designs have shown so far.
        sample_sd: See `ResidualModel`.
    """
    log_ratio = np.log(replayed / closed_form)
    mean_log = float(np.median(log_ratio))
    target = log_ratio - mean_log
    process = _process(features, target)
    return ResidualModel(
        process=process,
        mean_log=mean_log,
        spread_ratio=recalibration.factor(_left_out_scores(process, features, target)),
        low_log=float(log_ratio.min()),
        high_log=float(log_ratio.max()),
        training_count=len(target),
        sample_sd=sample_sd,
    )


def sampling_sd(differences_log: Float[np.ndarray, "designs"]) -> float:
    """Log deviation of a design's gain from one sample to the whole, out of gains told on two samples each.

    Half the mean square of the differences is the variance of one sample; few pairs say little, so `SAMPLE_SD` counts
    as `SAMPLE_SD_WEIGHT` of them.
    """
    known = differences_log[np.isfinite(differences_log)]
    square = SAMPLE_SD_WEIGHT * SAMPLE_SD**2 + float(np.sum(known**2)) / 2.0
    return float(np.sqrt(square / (SAMPLE_SD_WEIGHT + known.size)))


def _process(
    features: Float[np.ndarray, "designs features"], target: Float[np.ndarray, "designs"]
) -> GaussianProcessRegressor:
    """One length scale for all parameters, because a dozen replays overfit a scale of its own for each.

    Intervals of such a fit held 50 to 70 % of planted designs where 90 % was claimed (tests/hwmodel/costmodel).
    """
    kernel = ConstantKernel(0.05, (1e-4, 1.0)) * Matern(1.0, (0.3, 30.0), nu=2.5) + WhiteKernel(1e-3, (1e-5, 1e-1))
    process = GaussianProcessRegressor(kernel, n_restarts_optimizer=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length scale at its bound is a parameter without effect
        return process.fit(features, target)


def _left_out_scores(
    process: GaussianProcessRegressor,
    features: Float[np.ndarray, "designs features"],
    target: Float[np.ndarray, "designs"],
) -> Float[np.ndarray, "designs"]:
    """Left-out errors over their own 90 % half-width.

    Left-out mean and deviation follow from the inverse of the full covariance (Rasmussen and Williams, eq. 5.12).
    """
    covariance = process.kernel_(features)
    inverse = np.linalg.inv(covariance + 1e-10 * np.eye(len(target)))
    error = (inverse @ target) / np.diag(inverse)
    sd = np.sqrt(1.0 / np.diag(inverse))
    return np.abs(error) / np.maximum(NORMAL_90 * sd, LEAST_SD)
