"""How well a model tells shapes that it has not seen on any chip, of chips that it has seen."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from hwmodel.silicon.errors import TooFewRows
from hwmodel.silicon.family import Family
from hwmodel.silicon.fit import fit_constants
from hwmodel.silicon.model import FamilyModel, fit_model
from hwmodel.silicon.residual import SEEN_CHIPS
from hwmodel.silicon.scores import AccuracyRow, conformal_factor, score_groups
from hwmodel.silicon.splits import TO_CALIBRATE, TO_FIT, TO_SCORE, few, shape_folds
from hwmodel.silicon.stack_models import GROUPS as STACK_GROUPS
from hwmodel.silicon.stack_models import own_times_held_out, with_best
from hwmodel.silicon.truth import Truth
from hwmodel.timing import TimingConstants

GROUPS = ["chip", "dtype", "bucket"]
"""What has an interval width of its own."""
IMPOSSIBLE = "faster than HBM"
"""Bucket of rows that a cache served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeAccuracy:
    """Errors on held-out shapes."""

    rows: list[AccuracyRow]
    scored: pl.DataFrame
    """Held-out rows: chip, the keys, bucket, latency_s, predicted_s, closed_form_s, bound_s, factor."""
    constants: TimingConstants
    """As fitted on the shapes that were not held out."""


def shape_accuracy(
    family: Family, truth: Truth, prior: TimingConstants, *, most_fitted: int, refit: bool = True
) -> ShapeAccuracy:
    """Fit on most shapes, read interval widths from some, score the rest; best time of any stack.

    Args:
        family: What is judged.
        truth: Its measurements.
        prior: Constants to start from.
        most_fitted: Rows to learn on at most, drawn evenly from the shapes that are not held out.
        refit: Fit the constants to the same shapes; else they stay as they come.

    Raises:
        TooFewRows: The tables hold too little to hold anything out.
    """
    fold = _folds(family, truth.best)
    seen = truth.best.filter(fold == TO_FIT)
    constants = fit_constants(family, seen, truth.chips, prior, is_timed=True) if refit else prior
    chosen = truth.best[few(fold == TO_FIT, most_fitted)]
    model = fit_model(family, chosen, truth.chips, constants, SEEN_CHIPS, sees_chip=True)
    scored = _scored(model, truth.best, fold, truth)
    rows = score_groups(scored, family=family.name, split="shape")
    return ShapeAccuracy(rows=[*rows, *_cached(model, truth)], scored=scored, constants=constants)


def stack_accuracy(family: Family, truth: Truth, constants: TimingConstants) -> list[AccuracyRow]:
    """The same for each stack's own time, with the stack and its kernel known."""
    own = with_best(family, truth)
    fold = _folds(family, own)
    told = own_times_held_out(family, own, truth.chips, constants, fold == TO_FIT).with_columns(
        fold=pl.Series(fold[fold != TO_FIT])
    )
    width = conformal_factor(told.filter(pl.col("fold") == TO_CALIBRATE), STACK_GROUPS)
    scored = told.filter(pl.col("fold") == TO_SCORE).join(width, on=STACK_GROUPS, how="left", maintain_order="left")
    return score_groups(scored.with_columns(pl.col("factor").fill_null(np.inf)), family=family.name, split="stacks")


def _folds(family: Family, rows: pl.DataFrame) -> np.ndarray:
    fold = shape_folds(rows, family.shape)
    if min((fold == wanted).sum() for wanted in (TO_FIT, TO_CALIBRATE, TO_SCORE)) == 0:
        raise TooFewRows(f"{len(rows)} measured rows of {family.name} are too few to hold some shapes out")
    return fold


def _scored(model: FamilyModel, rows: pl.DataFrame, fold: np.ndarray, truth: Truth) -> pl.DataFrame:
    held = rows.filter(fold != TO_FIT)
    told = held.with_columns(*model.estimate(held, truth.chips).columns, fold=pl.Series(fold[fold != TO_FIT]))
    width = conformal_factor(told.filter(pl.col("fold") == TO_CALIBRATE), GROUPS)
    scored = told.filter(pl.col("fold") == TO_SCORE).join(width, on=GROUPS, how="left", maintain_order="left")
    return scored.with_columns(pl.col("factor").fill_null(np.inf))


def _cached(model: FamilyModel, truth: Truth) -> list[AccuracyRow]:
    """Rows that HBM cannot explain, scored apart."""
    if truth.impossible.is_empty():
        return []
    told = truth.impossible.with_columns(*model.estimate(truth.impossible, truth.chips).columns, factor=pl.lit(np.inf))
    named = told.with_columns(bucket=pl.lit(IMPOSSIBLE), dtype=pl.lit("all"))
    rows = score_groups(named, family=model.family.name, split="shape")
    return list({row.chip: row for row in rows if row.bucket == IMPOSSIBLE}.values())
