"""Board power of a kernel: physics times a learned ratio, with a width that says on how little it rests."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from jaxtyping import Float
from sklearn.ensemble import HistGradientBoostingRegressor

from hwmodel.silicon.errors import TooFewRows
from hwmodel.silicon.features import number
from hwmodel.silicon.power.families import PowerFamily
from hwmodel.silicon.power.physics import LEAST_ROWS, PowerLaw
from hwmodel.silicon.scores import WANTED_COVERAGE

LEAST_WIDTH = 0.2
"""Relative half-width of every figure until a second chip is measured."""
ITERATIONS, LEAVES, RATE, LEAST_LEAF_ROWS = 300, 31, 0.1, 20
LEAST_RATE = 1e3
"""Rates of work below this are all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerEstimate:
    """Power of each row; arrays have one entry per row, W."""

    basis: str
    """On what it rests."""
    power_w: Float[np.ndarray, "rows"]
    physics_w: Float[np.ndarray, "rows"]
    """Static power and energies alone."""
    low_w: Float[np.ndarray, "rows"]
    """End of the 90 % interval, never nearer than `LEAST_WIDTH`; so the next."""
    high_w: Float[np.ndarray, "rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerModel:
    """Static power and energies of a board, and what they leave of one family's power."""

    family: PowerFamily
    law: PowerLaw
    trees: HistGradientBoostingRegressor
    low_ratio: float
    """Learned ratios are clipped to the range of the measured ones."""
    high_ratio: float
    width: float
    """Relative half-width of estimates, at least `LEAST_WIDTH`."""

    def estimate(self, rows: pl.DataFrame) -> PowerEstimate:
        """Power of each row.

        Args:
            rows: The family's keys, kernel, latency_s, power_limit_w.
        """
        physics_w = _physics_w(self.family, self.law, rows)
        ratio = np.clip(self.trees.predict(_seen(self.family, rows, physics_w)), self.low_ratio, self.high_ratio)
        power_w = np.clip(physics_w * ratio, self.law.static_w * self.low_ratio, number(rows, "power_limit_w"))
        return PowerEstimate(
            basis=self.family.basis,
            power_w=power_w,
            physics_w=physics_w,
            low_w=power_w * np.maximum(1.0 - self.width, 0.0),
            high_w=power_w * (1.0 + self.width),
        )


def fit_power(family: PowerFamily, law: PowerLaw, rows: pl.DataFrame, *, seed: int = 0) -> PowerModel:
    """Learn the ratio of measured power to physics; weights make the loss the mean relative error.

    Args:
        family: What the rows are.
        law: Physics of the board.
        rows: The family's keys, kernel, latency_s, power_w, power_limit_w.
        seed: Of the trees.

    Raises:
        TooFewRows: Fewer rows than a fit needs.
    """
    if len(rows) < LEAST_ROWS:
        raise TooFewRows(f"{len(rows)} rows of {family.name} to fit power on; it takes {LEAST_ROWS}")
    physics_w, power_w = _physics_w(family, law, rows), number(rows, "power_w")
    trees = HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=ITERATIONS,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAST_LEAF_ROWS,
        early_stopping=False,
        random_state=seed,
    ).fit(_seen(family, rows, physics_w), power_w / physics_w, sample_weight=physics_w / power_w)
    ratio = power_w / physics_w
    return PowerModel(
        family=family,
        law=law,
        trees=trees,
        low_ratio=float(ratio.min()),
        high_ratio=float(ratio.max()),
        width=LEAST_WIDTH,
    )


def widened(model: PowerModel, rows: pl.DataFrame) -> PowerModel:
    """The model with the width that holds 90 % of rows which it was not fitted on; at least `LEAST_WIDTH`."""
    error = np.abs(number(rows, "power_w") / model.estimate(rows).power_w - 1.0)
    return replace(model, width=max(LEAST_WIDTH, float(np.quantile(error, WANTED_COVERAGE))))


def _physics_w(family: PowerFamily, law: PowerLaw, rows: pl.DataFrame) -> Float[np.ndarray, "rows"]:
    return law.power_w(family.work(rows).rates(number(rows, "latency_s")), number(rows, "power_limit_w"))


def _seen(
    family: PowerFamily, rows: pl.DataFrame, physics_w: Float[np.ndarray, "rows"]
) -> Float[np.ndarray, "rows features"]:
    """The family's own, how close physics comes to the limit, log rates, log time."""
    latency_s = number(rows, "latency_s")
    rates = np.log(family.work(rows).rates(latency_s) + LEAST_RATE)
    near = np.log(physics_w / number(rows, "power_limit_w"))
    return np.column_stack([family.features(rows), near, rates, np.log(latency_s)]).astype(np.float32)
