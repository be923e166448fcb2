"""The shape of a service, free of its speed: typical times by surface and length, and how two shapes differ."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

LEAST_CALLS = 30
"""A cell with fewer calls on either side is not compared: the error of its median would be a quarter of its spread."""
CELL = ("measure", "llm", "surface", "octave")


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How alike two services are once one common factor is taken out."""

    distance_ratio: float
    """Typical factor (root mean square of logarithms) by which a cell is off the common factor; 1 is the same shape."""
    unexplained_ratio: float
    """The common factor, replay over telemetry: a geometric mean over cells."""
    unexplained_by: Mapping[str, float]
    """The same by measure."""
    cells: pl.DataFrame
    """Columns: measure, llm, surface, octave, observed_s, replayed_s, weight_ratio, log_ratio."""


def cells_of(calls: pl.DataFrame) -> pl.DataFrame:
    """Times of `TimedCalls` by cell, in columns measure, llm, surface, octave, call_count, time_s.

    A cell is the median of one measure (`first token`, `output token`) at one octave of tokens (uncached ones for the
    first token, the whole prompt for output tokens) of one surface. Slow calls are left to the hours: what a queue does
    to the slowest tenth is not the same twice on one chip, so it cannot tell two chips apart.
    """
    first = calls.select("llm", "surface", octave=_octave("uncached_tokens"), time_s=pl.col("ttft_s"))
    token = calls.select("llm", "surface", octave=_octave("input_tokens"), time_s=pl.col("tpot_s")).drop_nulls()
    return pl.concat([_medians(first, "first token"), _medians(token, "output token")]).sort(CELL)


def likeness(observed: pl.DataFrame, replayed: pl.DataFrame) -> Likeness | None:
    """Compare two services cell by cell; None where no cell has enough calls on both sides.

    Measures count the same, surfaces the same within a measure, and octaves by the observed calls within a surface.

    Args:
        observed: Cells of the telemetry, from `cells_of`.
        replayed: Cells of the replay.
    """
    own, other = (cells.filter(pl.col("call_count") >= LEAST_CALLS) for cells in (observed, replayed))
    joined = own.join(other, on=CELL, how="inner", suffix="_replayed", maintain_order="left")
    if joined.is_empty():
        return None
    compared = joined.select(
        *CELL,
        weight_ratio=_weight_ratio(),
        observed_s=pl.col("time_s"),
        replayed_s=pl.col("time_s_replayed"),
        log_ratio=(pl.col("time_s_replayed") / pl.col("time_s")).log(),
    )
    log_ratio, weight = compared["log_ratio"].to_numpy(), compared["weight_ratio"].to_numpy()
    common = float(np.average(log_ratio, weights=weight))
    spread = float(np.sqrt(np.average((log_ratio - common) ** 2, weights=weight)))
    by_measure = compared.group_by("measure", maintain_order=True).agg(
        log_ratio=(pl.col("log_ratio") * pl.col("weight_ratio")).sum() / pl.col("weight_ratio").sum()
    )
    return Likeness(
        distance_ratio=float(np.exp(spread)),
        unexplained_ratio=float(np.exp(common)),
        unexplained_by={name: float(np.exp(value)) for name, value in by_measure.iter_rows()},
        cells=compared,
    )


def _weight_ratio() -> pl.Expr:
    within = pl.col("call_count") / pl.col("call_count").sum().over("measure", "surface")
    surfaces = pl.col("surface").n_unique().over("measure")
    return within / surfaces / pl.col("measure").n_unique()


def _octave(column: str) -> pl.Expr:
    return pl.col(column).log(2.0).floor().cast(pl.Int64)


def _medians(calls: pl.DataFrame, measure: str) -> pl.DataFrame:
    grouped = calls.group_by("llm", "surface", "octave").agg(
        call_count=pl.len().cast(pl.Int64), time_s=pl.col("time_s").median()
    )
    return grouped.select(pl.lit(measure).alias("measure"), pl.all())
