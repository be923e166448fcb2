"""What a change of the chip is worth: the speed-up of the same kernel from one chip to another that no fit has seen."""

from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.silicon.distance import distance, growth
from hwmodel.silicon.left_out import WANTED_QUANTILE, LeftOut
from hwmodel.silicon.model import fit_model
from hwmodel.silicon.residual import UNSEEN_CHIPS

ORACLE_FOLDS = 5
JUDGED_PER_PAIR = 4_000
"""Kernels of each other pair of chips that the width of a ratio is read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignChange:
    """One test: the kernels that it is made on, and the two chips."""

    name: str
    family: str
    before: str
    after: str
    """The chip that is left out."""
    kernels: pl.Expr
    """Which kernels of the family."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignChangeRow:
    """Errors of a predicted speed-up; ratios, not per cent."""

    test: str
    before: str
    after: str
    rows: int
    measured_median: float
    """Median of the measured speed-up."""
    mape: float
    """Mean of |predicted / measured speed-up - 1|. So the next four."""
    roofline_mape: float
    constant_mape: float
    """Of the best single number for all kernels, chosen with the truth in hand."""
    oracle_mape: float
    """Of a model that learns the measured ratios of these two chips, kernels held out in turn."""
    interval_coverage: float
    """Share of the speed-ups inside their interval of nominal 90 %."""
    interval_factor: float
    """Half-width of that interval, as a factor."""


def design_change(left_out: LeftOut, test: DesignChange, *, shape_seed: int = 0) -> DesignChangeRow:
    """Predict both times without the later chip, and compare the ratio with the measured one."""
    pairs = _pairs(left_out, test)
    measured = np.log(pairs["latency_s"].to_numpy() / pairs["latency_s_after"].to_numpy())
    predicted, roofline = _predicted_logs(left_out, test, pairs)
    radius = ratio_radius(left_out, test)
    error = np.abs(predicted - measured)
    return DesignChangeRow(
        test=test.name,
        before=test.before,
        after=test.after,
        rows=len(pairs),
        measured_median=float(np.exp(np.median(measured))),
        mape=_mape(predicted, measured),
        roofline_mape=_mape(roofline, measured),
        constant_mape=_mape(np.full(len(pairs), _best_constant(measured)), measured),
        oracle_mape=_mape(_oracle(left_out, test, pairs, measured, shape_seed), measured),
        interval_coverage=float((error <= radius).mean()),
        interval_factor=float(np.exp(radius)),
    )


def ratio_radius(left_out: LeftOut, test: DesignChange) -> float:
    """90 % quantile of the error of ratios that do not involve the later chip, scaled to how far it lies.

    Every pair of other chips, with its later chip left out as well, gives the quantile per root of its distance
    (`distance.growth`); the mean of those, times the root of the distance at hand.
    """
    chips = left_out.truth.chips
    per_root = []
    for before, after in permutations([name for name in chips if name != test.after], 2):
        other = replace(test, before=before, after=after)
        pairs = _pairs(left_out, other)
        if pairs.is_empty():
            continue
        pairs = pairs.sample(min(len(pairs), JUDGED_PER_PAIR), seed=0)
        measured = np.log(pairs["latency_s"].to_numpy() / pairs["latency_s_after"].to_numpy())
        predicted, _ = _predicted_logs(left_out, other, pairs, without=frozenset({test.after, after}))
        quantile = float(np.quantile(np.abs(predicted - measured), WANTED_QUANTILE))
        per_root.append(quantile * growth(1.0, distance(chips[before], chips[after])))
    return float(np.mean(per_root)) * growth(distance(chips[test.before], chips[test.after]), 1.0)


def _pairs(left_out: LeftOut, test: DesignChange) -> pl.DataFrame:
    rows = left_out.truth.best.filter(test.kernels)
    keys = list(left_out.family.keys)
    before = rows.filter(pl.col("chip") == test.before)
    after = rows.filter(pl.col("chip") == test.after).select(*keys, latency_s_after="latency_s")
    return before.join(after, on=keys, how="inner", maintain_order="left")


def _predicted_logs(
    left_out: LeftOut, test: DesignChange, pairs: pl.DataFrame, without: frozenset[str] | None = None
) -> tuple[Float[np.ndarray, "rows"], Float[np.ndarray, "rows"]]:
    """Log speed-up as the model says it, and as the roofline says it."""
    model = left_out.model(without or frozenset({test.after}))
    chips = left_out.truth.chips
    before = model.estimate(pairs, chips)
    after = model.estimate(pairs.with_columns(chip=pl.lit(test.after)), chips)
    return np.log(before.latency_s / after.latency_s), np.log(before.bound_s / after.bound_s)


def _oracle(
    left_out: LeftOut, test: DesignChange, pairs: pl.DataFrame, measured: Float[np.ndarray, "rows"], seed: int
) -> Float[np.ndarray, "rows"]:
    """Learns the measured log ratio itself, each fifth of the kernels predicted from the others."""
    fold = np.random.default_rng(seed).integers(0, ORACLE_FOLDS, len(pairs))
    told = np.zeros(len(pairs))
    constants = left_out.model(frozenset({test.after})).constants
    closed = left_out.model(frozenset({test.after})).estimate(pairs, left_out.truth.chips).closed_form_s
    ratio_rows = pairs.with_columns(latency_s=pl.Series(closed * np.exp(measured)))
    for one in range(ORACLE_FOLDS):
        seen = ratio_rows.filter(fold != one)
        model = fit_model(left_out.family, seen, left_out.truth.chips, constants, UNSEEN_CHIPS, sees_chip=False)
        found = model.estimate(ratio_rows.filter(fold == one), left_out.truth.chips)
        told[fold == one] = np.log(found.latency_s / found.closed_form_s)
    return told


def _best_constant(measured: Float[np.ndarray, "rows"]) -> float:
    """The log ratio with the least mean absolute relative error: a weighted median of the measured ones."""
    order = np.argsort(measured)
    weight = np.exp(-measured[order])
    at = int(np.searchsorted(np.cumsum(weight), 0.5 * weight.sum()))
    return float(measured[order][at])


def _mape(predicted: Float[np.ndarray, "rows"], measured: Float[np.ndarray, "rows"]) -> float:
    return float(np.abs(np.exp(predicted - measured) - 1.0).mean())
