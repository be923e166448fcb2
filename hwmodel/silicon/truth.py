"""What a chip can do: the best of the stacks that measured a shape, impossible rows taken out and counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hwmodel.catalog import Catalog, ChipDesign, timed_design_of
from hwmodel.silicon.calls import CallSheet
from hwmodel.silicon.errors import TooFewRows
from hwmodel.silicon.family import Family
from hwmodel.silicon.tables import HELD_OUT_CHIPS
from hwmodel.timing import FIRST_CONSTANTS

LEAST_STACKS = 2
"""Stacks that must have measured a shape where the table has several: one stack alone may have been slow at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Measured times to be predicted."""

    chips: Mapping[str, ChipDesign]
    """The chips that the rows were measured on."""
    best: pl.DataFrame
    """chip, the keys, latency_s (the least over stacks), bucket; in order of chip and keys."""
    own: pl.DataFrame
    """chip, backend, kernel, the keys, latency_s, bucket: each stack's own time."""
    impossible: pl.DataFrame
    """The best of what is faster than HBM allows: the work was served from a cache."""
    lone_count: int
    """Shapes left out because one stack alone measured them where the table has several."""


def truth_of(family: Family, folder: Path, catalog: Catalog) -> Truth:
    """Measured rows of a family, without the chips that only judge the model.

    Rows faster than the HBM bound go before the minimum is taken, so that a cache does not make the truth of a shape.

    Args:
        family: What to read.
        folder: Measured tables; see `tables.read_tables`.
        catalog: Where the chips of the tables are described.

    Raises:
        SiliconError: The tables cannot be used.
        TooFewRows: Every chip of the tables is held out.
    """
    measured = family.read(folder).filter(~pl.col("chip").is_in(list(HELD_OUT_CHIPS)))
    if measured.is_empty():
        raise TooFewRows(f"{folder}: every measured chip is held out of fits: {', '.join(sorted(HELD_OUT_CHIPS))}")
    names = sorted(measured["chip"].unique().to_list())
    chips = {name: timed_design_of(catalog.chip(name)) for name in names}
    bound = CallSheet(measured, family.calls(measured), chips).physics(FIRST_CONSTANTS).hbm_bound_s
    told = measured.with_columns(hbm_bound_s=pl.Series(bound), bucket=family.bucket)
    possible = told.filter(pl.col("latency_s") >= pl.col("hbm_bound_s")).drop("hbm_bound_s")
    best, lone_count = best_of_stacks(family, possible)
    fast = told.filter(pl.col("latency_s") < pl.col("hbm_bound_s"))
    return Truth(
        chips=chips,
        best=best,
        own=_own(family, possible),
        impossible=fast.group_by("chip", *family.keys, "bucket").agg(pl.col("latency_s").min()),
        lone_count=lone_count,
    )


def best_of_stacks(family: Family, possible: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The least time per chip and kernel, and how many kernels one stack alone measured."""
    stacks_of_table = possible.group_by("chip", *family.tables).agg(table_stacks=pl.col("backend").n_unique())
    shapes = (
        possible.group_by("chip", *family.keys, "bucket")
        .agg(pl.col("latency_s").min(), stacks=pl.col("backend").n_unique())
        .join(stacks_of_table, on=["chip", *family.tables])
    )
    kept = shapes.filter(pl.col("stacks") >= pl.min_horizontal("table_stacks", LEAST_STACKS))
    best = kept.drop("stacks", "table_stacks").sort("chip", *family.keys)
    return best, len(shapes) - len(kept)


def _own(family: Family, possible: pl.DataFrame) -> pl.DataFrame:
    named = ("chip", "backend", "kernel", *family.keys, "bucket")
    return possible.group_by(named).agg(pl.col("latency_s").median()).sort(named)
