"""The closed form's constants as they would be had some chips never been measured."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from hwmodel.catalog import Catalog
from hwmodel.silicon.family import Family
from hwmodel.silicon.fit import fit_constants
from hwmodel.silicon.truth import Truth, truth_of
from hwmodel.timing import FIRST_CONSTANTS, TimingConstants


def truths_of(
    folder: Path, catalog: Catalog, families: Sequence[Family], told: Callable[[str], None]
) -> dict[str, Truth]:
    """Measurements of each family, read once for several fits.

    Raises:
        SiliconError: The tables cannot be used.
    """
    found = {}
    for family in families:
        found[family.name] = truth_of(family, folder, catalog)
        told(f"{family.name}: {len(found[family.name].best):,} kernels")
    return found


def constants_without(truths: dict[str, Truth], families: Sequence[Family], out: frozenset[str]) -> TimingConstants:
    """Fit every family's constants in turn on the chips that are not out.

    The fit starts in the middle of each constant's bounds and is pulled there, not to the values that are shipped,
    which have seen every chip.

    Args:
        truths: Measurements by family.
        families: In the order in which constants are fitted.
        out: Ids of chips whose every row is left out.
    """
    constants = centred(families)
    for family in families:
        truth = truths[family.name]
        seen = truth.best.filter(~pl.col("chip").is_in(list(out)))
        constants = fit_constants(family, seen, truth.chips, constants, is_timed=True)
    return constants


def centred(families: Sequence[Family]) -> TimingConstants:
    """Every constant that a family fits at the geometric middle of its bounds; the others as they are."""
    middles = {one.name: float(np.sqrt(one.low * one.high)) for family in families for one in family.fitted}
    return replace(FIRST_CONSTANTS, **middles)
