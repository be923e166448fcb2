"""Counts of how waits for a first token ended, on a fine grid of the wait: what curve and thresholds are read from."""

import polars as pl

from featurize.bands import wait_high_s, wait_low_s
from featurize.calls import first_token_wait_s

CELLS_PER_DOUBLING = 32
"""Cells of the grid in a doubling of the wait: each is 2.2 % wide, a fifth of the accuracy asked of a threshold."""

SHORTEST_CELL_S = 0.0625
"""Lower edge of the first cell but one; shorter waits share cell -1. Assumed: nobody leaves faster."""


def wait_cells(calls: pl.LazyFrame, sessions: pl.LazyFrame) -> pl.LazyFrame:
    """How many waits ended in each cell, and how: left while waiting, left at the answer, or went on.

    At risk is every call with a known wait in a session with a known outcome. A call is left if its session was
    abandoned and it was the session's last; it was left while waiting if no first token had come. A wait that ended
    otherwise (the answer came, somebody interrupted and went on) is censored: it tells that they waited that long.

    Args:
        calls: frame valid under `ModelCalls`.
        sessions: frame valid under `Sessions`.

    Returns:
        Columns surface, day, wait_low_s, wait_high_s, cell, ended_count, left_waiting_count, left_after_count.
    """
    outcomes = sessions.filter(pl.col("outcome").is_not_null()).select(
        "session_id", was_abandoned=pl.col("outcome") == "abandoned", last_step=pl.col("call_count") - 1
    )
    timed = calls.filter(pl.col("ttft_s").is_not_null()).select(pl.col("source_id").unique())
    wait_s = pl.col("wait_s")
    return (
        calls.select("session_id", "surface", "day", "step_index", "source_id", "ttft_s", wait_s=first_token_wait_s())
        .filter(wait_s.is_not_null())
        .join(timed, on="source_id", how="semi")
        .join(outcomes, on="session_id", how="inner")
        .with_columns(left=ended_abandoned_here(), waiting=pl.col("ttft_s").is_null())
        .group_by("surface", "day", wait_low_s=wait_low_s(wait_s), wait_high_s=wait_high_s(wait_s), cell=cell(wait_s))
        .agg(
            ended_count=pl.len().cast(pl.Int64),
            left_waiting_count=(pl.col("left") & pl.col("waiting")).sum().cast(pl.Int64),
            left_after_count=(pl.col("left") & ~pl.col("waiting")).sum().cast(pl.Int64),
        )
    )


def ended_abandoned_here() -> pl.Expr:
    """Whether the session was abandoned and this was its last call (not only the last one of this frame)."""
    return pl.col("was_abandoned") & (pl.col("step_index") == pl.col("last_step"))


def cell(wait_s: pl.Expr) -> pl.Expr:
    """Number of the grid's cell that a wait falls in; -1 below the shortest."""
    steps = (wait_s.clip(lower_bound=SHORTEST_CELL_S / 2) / SHORTEST_CELL_S).log(2) * CELLS_PER_DOUBLING
    return steps.floor().clip(lower_bound=-1).cast(pl.Int64)


def cell_low_s(number: int) -> float:
    """Lower edge of a cell; 0 for cell -1."""
    return 0.0 if number < 0 else SHORTEST_CELL_S * 2.0 ** (number / CELLS_PER_DOUBLING)
