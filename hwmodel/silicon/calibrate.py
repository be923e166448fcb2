"""Fit everything to measured tables: constants family by family, corrections, and the widths of intervals."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from hwmodel.catalog import Catalog
from hwmodel.silicon.calibration import Calibration, FamilyCalibration
from hwmodel.silicon.evidence import Widths
from hwmodel.silicon.family import Family
from hwmodel.silicon.fit import fit_constants
from hwmodel.silicon.left_out import FITTED_PER_CHIP, LeftOut
from hwmodel.silicon.model import fit_model
from hwmodel.silicon.residual import SEEN_CHIPS, UNSEEN_CHIPS
from hwmodel.silicon.shape_accuracy import GROUPS, shape_accuracy
from hwmodel.silicon.splits import TO_CALIBRATE, few_per_chip, shape_folds
from hwmodel.silicon.stack_laws import StackLaws
from hwmodel.silicon.stack_models import (
    StackModels,
    fit_longer,
    fit_own_times,
    held_out_factors,
    own_estimate,
    unseen_factor,
    with_best,
)
from hwmodel.silicon.truth import Truth, truth_of
from hwmodel.timing import FIRST_CONSTANTS, TimingConstants

MOST_FITTED = 250_000
"""Rows that a correction for measured chips is learned on."""
NOBODY: frozenset[str] = frozenset()


def calibrate(
    folder: Path,
    catalog: Catalog,
    families: Sequence[Family],
    *,
    source: str,
    told: Callable[[str], None],
    refit: bool = True,
) -> tuple[Calibration, dict[str, Truth]]:
    """Fit all families to the tables of a folder.

    Args:
        folder: Measured tables; see `tables.read_tables`.
        catalog: Where their chips are described.
        families: In the order in which constants are fitted.
        source: Where the tables came from, for the record.
        told: Hears of progress.
        refit: Fit the constants of the closed form too; else they stay those of `hwmodel.timing`.

    Returns:
        The calibration, and the measurements of each family.

    Raises:
        SiliconError: The tables cannot be used.
    """
    truths = {family.name: truth_of(family, folder, catalog) for family in families}
    constants = FIRST_CONSTANTS
    fitted = {}
    for family in families:
        truth = truths[family.name]
        told(f"{family.name}: {len(truth.best):,} kernels on {len(truth.chips)} chips")
        if refit:
            constants = fit_constants(family, truth.best, truth.chips, constants, is_timed=True)
        fitted[family.name] = _fitted(family, truth, constants)
    return Calibration(constants=constants, families=_aligned(fitted, constants), source=source), truths


def left_out_calibration(family: Family, truth: Truth, out: frozenset[str]) -> FamilyCalibration:
    """Models that have not seen some chips: every chip counts as one that nobody measured.

    Args:
        family: What to fit.
        truth: Its measurements, with or without those chips.
        out: Ids of chips to leave out.
    """
    left_out = LeftOut(family, truth, FIRST_CONSTANTS)
    known = out & set(truth.chips)
    left_out.prepare([known])
    model = left_out.model(known)
    radii = left_out.radii(known)
    seen = truth.best.select(*GROUPS).clear()
    widths = Widths(seen=seen, unseen_factor=float(np.exp(max(radii, default=np.inf))))
    stacks = None if truth.own.is_empty() else _stacks_left_out(left_out, out)
    return FamilyCalibration(chips=(), seen=model, unseen=model, widths=widths, stacks=stacks)


def fit_stacks(left_out: LeftOut, constants: TimingConstants) -> StackModels:
    """Learn what each serving stack's kernels take; a tenth of the shapes is held out for the widths of intervals.

    Args:
        left_out: Models of the best stack's times, with what was measured.
        constants: Of the closed form.
    """
    family, truth = left_out.family, left_out.truth
    rows = with_best(family, truth)
    chosen = shape_folds(rows, family.shape) != TO_CALIBRATE
    own, choices = fit_own_times(family, rows, truth.chips, constants, chosen)
    held = rows.filter(~chosen)
    told = held.with_columns(*own_estimate(family, held, truth.chips, constants, own).columns)
    return StackModels(
        family=family,
        own=own,
        longer=fit_longer(family, rows, truth.chips, constants, NOBODY),
        choices=choices,
        factors=held_out_factors(told),
        unseen_factor=unseen_factor(left_out, rows, NOBODY),
    )


def _stacks_left_out(left_out: LeftOut, out: frozenset[str]) -> StackModels:
    """Stacks as known without some chips: what each takes longer than the best one, and which kernel it runs."""
    family, chips = left_out.family, left_out.truth.chips
    rows = with_best(family, left_out.truth)
    seen = rows.filter(~pl.col("chip").is_in(list(out)))
    constants = left_out.model(out & set(chips)).constants
    _, choices = fit_own_times(family, seen, chips, constants, np.ones(len(seen), dtype=bool))
    return StackModels(
        family=family,
        own=StackLaws(laws={}),
        longer=fit_longer(family, rows, chips, constants, out),
        choices=choices,
        factors=held_out_factors(seen.clear().with_columns(predicted_s=pl.col("latency_s"))),
        unseen_factor=unseen_factor(left_out, rows, out & set(chips)),
    )


def _fitted(family: Family, truth: Truth, constants: TimingConstants) -> FamilyCalibration:
    judged = shape_accuracy(family, truth, constants, most_fitted=MOST_FITTED, refit=False)
    chosen = truth.best.sample(min(MOST_FITTED, len(truth.best)), seed=0)
    seen = fit_model(family, chosen, truth.chips, constants, SEEN_CHIPS, sees_chip=True)
    left_out = LeftOut(family, truth, FIRST_CONSTANTS)
    left_out.prepare([NOBODY])
    few_rows = truth.best[few_per_chip(truth.best, (), FITTED_PER_CHIP)]
    unseen = fit_model(family, few_rows, truth.chips, constants, UNSEEN_CHIPS, sees_chip=False)
    unseen = replace(unseen, trust=left_out.trust(NOBODY))
    factors = judged.scored.filter(judged.scored["factor"].is_finite()).select(*GROUPS, "factor").unique()
    widths = Widths(seen=factors, unseen_factor=float(np.exp(max(left_out.radii(NOBODY), default=np.inf))))
    return FamilyCalibration(
        chips=tuple(sorted(truth.chips)),
        seen=seen,
        unseen=unseen,
        widths=widths,
        stacks=fit_stacks(left_out, constants),
    )


def _aligned(fitted: dict[str, FamilyCalibration], constants: TimingConstants) -> dict[str, FamilyCalibration]:
    """All models under the same constants: a family moves only its own, so that its times stay as they are."""
    return {
        name: replace(one, seen=replace(one.seen, constants=constants), unseen=replace(one.unseen, constants=constants))
        for name, one in fitted.items()
    }
