"""What a chip can do: the best of the stacks that measured a shape, impossible rows taken out and counted."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

LEAST_STACKS = 2
"""Stacks that must have measured a shape where the table has several: one stack alone may have been slow at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Measured times to be predicted."""

    rows: pl.DataFrame
    """chip, the keys, latency_s (the least over stacks), bound_s; in order of chip and keys."""
    impossible: pl.DataFrame
    """Rows faster than HBM allows, with all their columns: the work was served from a cache."""
    lone_count: int
    """Shapes left out because one stack alone measured them where the table has several."""


def best_of_stacks(measured: pl.DataFrame, keys: Sequence[str], tables: Sequence[str] = ("dtype",)) -> Truth:
    """The least time per chip and shape.

    Rows faster than the HBM bound go before the minimum is taken, so that a cache does not make the truth of a shape.

    Args:
        measured: chip, backend, the keys, latency_s, hbm_bound_s; further columns are dropped.
        keys: What names a shape, `dtype` among it.
        tables: Keys that tell apart tables which not every stack has.
    """
    possible = measured.filter(pl.col("latency_s") >= pl.col("hbm_bound_s"))
    stacks_of_table = measured.group_by("chip", *tables).agg(table_stacks=pl.col("backend").n_unique())
    shapes = (
        possible.group_by("chip", *keys)
        .agg(pl.col("latency_s").min(), stacks=pl.col("backend").n_unique())
        .join(stacks_of_table, on=["chip", *tables])
    )
    kept = shapes.filter(pl.col("stacks") >= pl.min_horizontal("table_stacks", LEAST_STACKS))
    return Truth(
        rows=kept.select("chip", *keys, "latency_s").sort("chip", *keys),
        impossible=measured.filter(pl.col("latency_s") < pl.col("hbm_bound_s")),
        lone_count=len(shapes) - len(kept),
    )
