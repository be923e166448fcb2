"""A few global constants of the closed form, fitted jointly over chips, each chip and format counting the same."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from jaxtyping import Bool, Float
from scipy.optimize import minimize

from hwmodel.silicon.calls import CallSheet
from hwmodel.silicon.family import Chips, Family, FittedConstant
from hwmodel.timing import TimingConstants

ROWS_PER_GROUP = 400
"""Rows of each chip and format that a fit looks at."""
EVALUATIONS = 900
PRIOR_WEIGHT = 2e-4
"""Pull towards the values before, per squared log: decides what the measurements do not."""


def fit_constants(
    family: Family,
    rows: pl.DataFrame,
    chips: Chips,
    prior: TimingConstants,
    *,
    evaluations: int = EVALUATIONS,
    is_timed: bool = False,
    seed: int = 0,
) -> TimingConstants:
    """Least mean absolute log error inside the family's bounds.

    Args:
        family: Whose rows they are, and which constants they may move.
        rows: Measured rows of several chips.
        chips: The design of every chip that the rows name.
        prior: Values to start from and to be pulled towards.
        evaluations: Times that the closed form is computed, at most.
        is_timed: See `CallSheet`.
        seed: Of the rows that are looked at.
    """
    shared = rows.filter(pl.col("chip").n_unique().over("dtype") >= min(2, rows["chip"].n_unique()))
    seen = shared.filter(pl.Series(few_per_group(shared, ROWS_PER_GROUP, seed=seed)))
    sheet = CallSheet(seen, family.calls(seen), chips, is_timed=is_timed)
    measured = np.log(seen["latency_s"].to_numpy())
    weight = 1.0 / seen.select(pl.len().over("chip"))["len"].to_numpy()
    weight /= weight.sum()
    low, high = (np.log([getattr(one, side) for one in family.fitted]) for side in ("low", "high"))
    start = np.clip(np.log([getattr(prior, one.name) for one in family.fitted]), low, high)

    def cost(logs: Float[np.ndarray, "constants"]) -> float:
        constants = _moved(prior, family.fitted, np.clip(logs, low, high))
        error = np.abs(np.log(sheet.latency_s(constants)) - measured)
        return float((weight * error).sum() + PRIOR_WEIGHT * ((logs - start) ** 2).sum())

    found = minimize(
        cost,
        start,
        method="Powell",
        bounds=list(zip(low, high, strict=True)),
        options={"maxfev": evaluations, "xtol": 1e-2, "ftol": 1e-4},
    )
    return _moved(prior, family.fitted, np.clip(found.x, low, high))


def few_per_group(rows: pl.DataFrame, most: int, *, seed: int) -> Bool[np.ndarray, "rows"]:
    """At most so many rows of each chip and format, drawn evenly."""
    drawn = rows.select("chip", "dtype", draw=pl.Series(np.random.default_rng(seed).random(len(rows))))
    return drawn.select(pl.col("draw").rank("ordinal").over("chip", "dtype") <= most).to_series().to_numpy()


def _moved(
    prior: TimingConstants, fitted: Sequence[FittedConstant], logs: Float[np.ndarray, "constants"]
) -> TimingConstants:
    values = {one.name: float(value) for one, value in zip(fitted, np.exp(logs), strict=True)}
    return replace(prior, **values)
