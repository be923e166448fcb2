"""How well a model tells kernels of a chip that it has not seen: only the chip's catalogue entry is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from hwmodel.silicon.left_out import LeftOut
from hwmodel.silicon.scores import AccuracyRow, score_groups

TWINS = (frozenset({"h100-sxm", "h200-sxm"}),)
"""Chips with the same die: the honest row for a chip that nobody built leaves both out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Radii:
    """Half-widths of the 90 % interval of a chip that was left out, as factors."""

    chips: str
    most: float
    """From the worst of the other chips. So the next, from their mean."""
    mean: float
    trust: float
    """Weight of the learned correction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipAccuracy:
    """Errors on chips that were left out."""

    rows: list[AccuracyRow]
    scored: pl.DataFrame
    radii: list[Radii]


def chip_accuracy(left_out: LeftOut, targets: Sequence[frozenset[str]]) -> ChipAccuracy:
    """Fit without each target, choose weights and widths without it too, and score all its rows.

    Formats that fewer than two other chips were measured in are told as extrapolated, under `chip, extrapolated`.
    """
    left_out.prepare(targets)
    scored, rows, radii = [], [], []
    for out in targets:
        found = left_out.radii(out)
        told = Radii(
            chips=" + ".join(sorted(out)),
            most=float(np.exp(max(found, default=np.inf))),
            mean=float(np.exp(np.mean(found or [np.inf]))),
            trust=left_out.trust(out),
        )
        radii.append(told)
        predicted = predict_left_out(left_out, out)
        shared = pl.col("dtype").is_in(left_out.shared_dtypes(out))
        name = "chip" if len(out) == 1 else "chip and twin"
        for split, chosen, factor in (
            (name, predicted.filter(shared), told.most),
            (f"{name}, mean radius", predicted.filter(shared), told.mean),
            (f"{name}, extrapolated", predicted.filter(~shared), told.most),
        ):
            with_factor = chosen.with_columns(factor=pl.lit(factor))
            rows.extend(score_groups(with_factor, family=left_out.family.name, split=split))
            scored.append(with_factor.with_columns(split=pl.lit(split)))
    return ChipAccuracy(rows=rows, scored=pl.concat(scored), radii=radii)


def predict_left_out(left_out: LeftOut, out: frozenset[str]) -> pl.DataFrame:
    """Every row of the chips that are out, as a model without them predicts it."""
    rows = left_out.truth.best.filter(pl.col("chip").is_in(list(out)))
    return rows.with_columns(*left_out.model(out).estimate(rows, left_out.truth.chips).columns)
