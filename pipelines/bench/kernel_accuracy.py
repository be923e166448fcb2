"""The suite `kernel-accuracy`: predicted against measured kernel times, of shapes and of chips that no fit has seen."""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from hwmodel.catalog import load_catalog
from hwmodel.silicon import AccuracyRow
from hwmodel.silicon.chip_accuracy import TWINS, ChipAccuracy, chip_accuracy
from hwmodel.silicon.families import FAMILIES
from hwmodel.silicon.family import Family
from hwmodel.silicon.left_out import LeftOut, subsets
from hwmodel.silicon.shape_accuracy import shape_accuracy, stack_accuracy
from hwmodel.silicon.truth import Truth, truth_of
from hwmodel.timing import FIRST_CONSTANTS
from pipelines.errors import BadInput
from pipelines.report.charts.kernel_accuracy import predicted_against_measured
from pipelines.report.picture import chart_png

MOST_FITTED = 400_000
"""Rows that a correction is learned on at most."""
SPLITS = ("shape", "chip")
Told = Callable[[str], None]


def kernel_accuracy(
    data: Path, plots: Path, *, families: Sequence[str] = (), splits: Sequence[str] = SPLITS, told: Told
) -> list[AccuracyRow]:
    """Errors by chip, format and size, and one plot per family and split in `plots`.

    Args:
        data: Folder of measured tables.
        plots: Folder for plots; made if absent.
        families: Names of families; all if none.
        splits: `shape`, `chip`, or both.
        told: Hears of progress and of what was left out.

    Raises:
        SiliconError: The tables cannot be used.
        BadInput: No such family or split.
    """
    unknown = sorted(set(splits) - set(SPLITS))
    if unknown:
        raise BadInput(f"no split {unknown[0]!r}; there are: {', '.join(SPLITS)}")
    wanted = chosen(families)
    plots.mkdir(parents=True, exist_ok=True)
    rows: list[AccuracyRow] = []
    for family in wanted:
        truth = truth_of(family, data, load_catalog())
        told(
            f"{family.name}: {len(truth.best):,} kernels; left out: {len(truth.impossible):,} faster than HBM allows, "
            f"{truth.lone_count:,} that one stack alone measured"
        )
        if "shape" in splits:
            rows.extend(_shapes(family, truth, plots))
        if "chip" in splits:
            rows.extend(_chips(family, truth, plots, told))
    return rows


def chosen(names: Sequence[str]) -> list[Family]:
    """Families by name; all if none is named.

    Raises:
        BadInput: No such family.
    """
    by_name = {family.name: family for family in FAMILIES}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise BadInput(f"no kernel family {unknown[0]!r}; there are: {', '.join(by_name)}")
    return [by_name[name] for name in names] or list(FAMILIES)


def _shapes(family: Family, truth: Truth, plots: Path) -> list[AccuracyRow]:
    found = shape_accuracy(family, truth, FIRST_CONSTANTS, most_fitted=MOST_FITTED)
    _plot(found.scored, found.rows, plots / f"kernel-accuracy-{family.name}-shape.png", "shapes held out on all chips")
    return [*found.rows, *stack_accuracy(family, truth, found.constants)]


def _chips(family: Family, truth: Truth, plots: Path, told: Told) -> list[AccuracyRow]:
    found: ChipAccuracy = chip_accuracy(LeftOut(family, truth, FIRST_CONSTANTS), subsets(truth, TWINS))
    for one in found.radii:
        told(
            f"{family.name} without {one.chips}: 90 % interval x{one.most:.2f} (worst other chip), x{one.mean:.2f} "
            f"(mean), correction at {one.trust:g}"
        )
    alone = found.scored.filter(pl.col("split") == "chip")
    _plot(alone, found.rows, plots / f"kernel-accuracy-{family.name}-chip.png", "each chip left out of the fit")
    return found.rows


def _plot(scored: pl.DataFrame, rows: Sequence[AccuracyRow], path: Path, what: str) -> None:
    whole = [row for row in rows if row.dtype == row.bucket == "all" and row.split in SPLITS]
    errors = ", ".join(f"{row.chip} {row.mape:.1%}" for row in whole)
    title = f"{whole[0].family}, {what}: mean error {errors}"
    path.write_bytes(chart_png(predicted_against_measured(scored, title=title)))
