"""Abandonment thresholds: the latencies at which people begin to leave faster, each with an interval and a test."""

from collections.abc import Iterator
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from featurize.change_points import Counts, Rise, rises
from featurize.wait_cells import cell_low_s, wait_cells
from warehouse.contracts import AbandonmentThresholds

FALSE_ALARM_RATIO = 0.05
"""Chance that a call to `abandonment_thresholds` names any threshold where no hazard rises (Bonferroni over the series
tested). Assumed: the usual price of a false lead."""

MIN_LEFT_COUNT = 20
"""People that must have left before a series is looked at. Assumed: fewer cannot place a change to better than a
doubling."""

MOMENTS = ("waiting", "answered")


def abandonment_thresholds(
    calls: pl.LazyFrame, sessions: pl.LazyFrame, *, seed: int = 0
) -> dy.DataFrame[AbandonmentThresholds]:
    """Waits for the first token at which the hazard of leaving rises. Collects.

    Two series are looked at by surface, days pooled: people who leave while they wait (events over seconds waited, the
    answer censors), and people who leave at an answer that came after a wait (a share of answers). Each is a
    piecewise-constant rate with change points by penalised likelihood (`featurize.change_points`); a rise is reported
    if chance alone would give one so clear in fewer than `FALSE_ALARM_RATIO` over the number of series.

    Args:
        calls: frame valid under `ModelCalls`.
        sessions: frame valid under `Sessions`.
        seed: of the draws of test and interval.

    Returns:
        One row per rise, the clearest of a surface first; no rows where no hazard rises, as with abandonment off.
    """
    cells = wait_cells(calls, sessions).group_by("surface", "cell").agg(pl.col("^.*_count$").sum(), pl.col("day").max())
    series = list(_series(cells.sort("surface", "cell").collect()))
    level = FALSE_ALARM_RATIO / max(len(series), 1)
    rows: list[dict[str, Any]] = []
    for number, (labels, edges_s, counts) in enumerate(series):
        rng = np.random.default_rng((seed, number))
        found = [rise for rise in rises(counts, rng) if rise.p_value <= level]
        rows.extend(labels | _row(rise, edges_s, counts) for rise in found)
    schema = AbandonmentThresholds.create_empty().schema
    ranked = (
        pl.DataFrame(rows, schema={name: schema[name] for name in schema if name != "rank"} | {"gain": pl.Float64})
        .sort("surface", "gain", "threshold_s", descending=[False, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("surface"))
    )
    return AbandonmentThresholds.validate(ranked.select(schema.names()), cast=True)


def _series(cells: pl.DataFrame) -> Iterator[tuple[dict[str, Any], list[float], Counts]]:
    """The two series of each surface on a grid without holes, if enough people left."""
    for (surface,), rows in cells.group_by("surface", maintain_order=True):
        numbers = rows["cell"].to_numpy()
        grid = np.arange(numbers[0], numbers[-1] + 1)
        columns = {name: np.zeros(len(grid)) for name in ("ended_count", "left_waiting_count", "left_after_count")}
        for name, values in columns.items():
            values[numbers - numbers[0]] = rows[name].to_numpy()
        edges_s = [cell_low_s(int(number)) for number in (*grid, grid[-1] + 1)]
        ended, left = columns["ended_count"], columns["left_waiting_count"]
        reached = np.cumsum(ended[::-1])[::-1]
        exposed_s = (reached - ended / 2) * np.diff(edges_s)
        counts = {
            "waiting": Counts(events=left, exposure=exposed_s, is_share=False),
            "answered": Counts(events=columns["left_after_count"], exposure=ended - left, is_share=True),
        }
        for moment in MOMENTS:
            if counts[moment].events.sum() >= MIN_LEFT_COUNT:
                yield {"surface": surface, "moment": moment, "day": rows["day"].max()}, edges_s, counts[moment]


def _row(rise: Rise, edges_s: list[float], counts: Counts) -> dict[str, Any]:
    """A rise in seconds, with rates as chances: of leaving within the next second, or at the answer."""
    before, after = ((r if counts.is_share else -np.expm1(-r)) for r in (rise.before, rise.after))
    return {
        "threshold_s": edges_s[rise.cell],
        "threshold_low_s": edges_s[rise.low_cell],
        "threshold_high_s": edges_s[min(rise.high_cell, len(edges_s) - 1)],
        "before_ratio": before,
        "after_ratio": after,
        "left_count": int(counts.events[rise.cell :].sum()),
        "p_value_ratio": rise.p_value,
        "gain": rise.gain,
    }
