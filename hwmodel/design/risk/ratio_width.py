"""How wide the interval of a ratio of two chips is: read from measured serving runs of other pairs of chips."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import polars as pl

from hwmodel.catalog import ChipDesign
from hwmodel.design.risk.past_change import matched_runs, predicted_ratios
from hwmodel.serving.accuracy.pipeweave import APART, RUN_KEYS, pipeweave_runs, predicted_s
from hwmodel.silicon.distance import distance, growth
from hwmodel.timing import TimingConstants

WANTED_QUANTILE = 0.9
LEAST_RUNS = 2
"""Runs that a pair must share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairError:
    """How far the predicted ratio of times of one pair of chips lies from the measured one."""

    source: str
    before: str
    after: str
    runs: int
    distance: float
    log_error: float
    """90 % quantile of |log predicted - log measured ratio|."""

    @property
    def per_root(self) -> float:
        """The same at distance 1: errors grow with the root of the distance (`silicon.distance.growth`)."""
        return self.log_error * growth(1.0, self.distance)


def width_for(pairs: list[PairError], before: ChipDesign, after: ChipDesign) -> float:
    """Half-width in log of the 90 % interval of a ratio: the worst other pair per root of distance, times the root.

    The worst and not the mean: few pairs were measured, most of them on two runs. Chosen before any run of the later
    chip was looked at.
    """
    return max(pair.per_root for pair in pairs) * growth(distance(before, after), 1.0)


def measured_run_pair(
    used: pl.DataFrame, before: ChipDesign, after: ChipDesign, constants: TimingConstants
) -> PairError | None:
    """Error of the time per token on matched measured runs of one pair; None where they share too few.

    Args:
        used: As `used_rows` keeps them.
        before: The earlier chip.
        after: The later one, which the constants have not seen.
        constants: Of the closed form.
    """
    told = predicted_ratios(matched_runs(used, before.name, after.name), before, after, constants)
    measured = (told["tpot_s"] / told["tpot_s_after"]).to_numpy()
    return _pair("measured runs", before, after, np.log(told["tpot_speedup"].to_numpy() / measured))


def pipeweave_pairs(
    table: pl.DataFrame, chips: Mapping[str, ChipDesign], without: frozenset[str], constants: TimingConstants
) -> list[PairError]:
    """Errors of decode steps on every ordered pair of PipeWeave's chips whose later one no fit has seen.

    Args:
        table: As the file holds it.
        chips: Designs by id.
        without: Chips that may not be the later one, for the constants have seen them, or may not be looked at.
        constants: Of the closed form.
    """
    runs, _ = pipeweave_runs(table)
    runs = runs.filter(pl.col("chip").is_in(list(chips)) & (pl.col("chip") != APART))
    said = [predicted_s(row, constants)[1] for row in runs.iter_rows(named=True)]
    runs = runs.with_columns(log_over=pl.Series(said).log() - pl.col("median_decode_latency").log())
    found = []
    for before, after in permutations(sorted(runs["chip"].unique().to_list()), 2):
        if after in without:
            continue
        pair = runs.filter(chip=before).join(runs.filter(chip=after), on=list(RUN_KEYS), how="inner", suffix="_after")
        errors = (pair["log_over_after"] - pair["log_over"]).to_numpy()
        found.append(_pair("pipeweave", chips[before], chips[after], errors))
    return [pair for pair in found if pair is not None]


def _pair(source: str, before: ChipDesign, after: ChipDesign, errors: np.ndarray) -> PairError | None:
    if len(errors) < LEAST_RUNS:
        return None
    return PairError(
        source=source,
        before=before.name,
        after=after.name,
        runs=len(errors),
        distance=distance(before, after),
        log_error=float(np.quantile(np.abs(errors), WANTED_QUANTILE)),
    )
