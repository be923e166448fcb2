"""Counts of how waits for a first token ended, on a fine grid of the wait: what curve and thresholds are read from."""

import polars as pl

from featurize.bands import wait_high_s, wait_low_s
from featurize.calls import first_token_wait_s
from featurize.neighbours import id_key

CELLS_PER_DOUBLING = 32
"""Cells of the grid in a doubling of the wait: each is 2.2 % wide, a fifth of the accuracy asked of a threshold."""

SHORTEST_CELL_S = 0.0625
"""Lower edge of the first cell but one; shorter waits share cell -1. Assumed: nobody leaves faster."""

ROUNDING = 1e-9
"""Of a cell: a wait this little below an edge counts as on it, as logarithms of powers of two are not exact."""


def wait_cells(calls: pl.LazyFrame, sessions: pl.LazyFrame) -> pl.LazyFrame:
    """How many waits ended in each cell, and how: left while waiting, left at the answer, or went on.

    At risk is every call with a known wait in a session with a known outcome, of sources that time first tokens. A call
    is left if its session was abandoned and it was the session's last; it was left while waiting if no first token had
    come. A wait that ended otherwise (the answer came, somebody interrupted and went on) is censored: it tells that
    they waited that long.

    Args:
        calls: frame valid under `ModelCalls`.
        sessions: frame valid under `Sessions`.

    Returns:
        Columns surface, day, wait_low_s, wait_high_s, cell, ended_count, left_waiting_count, left_after_count.
    """
    outcomes = sessions.filter(pl.col("outcome").is_not_null()).select(
        session_key=id_key("session_id"),
        source=pl.col("source_id").rank("dense").cast(pl.Int32),
        left_at_step=pl.when(pl.col("outcome") == "abandoned").then(pl.col("call_count") - 1),
    )
    left, waiting = ended_abandoned_here(), pl.col("is_waiting")
    low_s = cell_low_edge_s()
    return (
        calls.select(
            "surface",
            "day",
            "step_index",
            session_key=id_key("session_id"),
            is_waiting=pl.col("ttft_s").is_null(),
            cell=cell(first_token_wait_s()),
        )
        .filter(pl.col("cell").is_not_null())
        .join(outcomes, on="session_key", how="inner")
        .group_by("surface", "day", "cell", "source")
        .agg(
            ended_count=pl.len().cast(pl.Int64),
            left_waiting_count=(left & waiting).sum().cast(pl.Int64),
            left_after_count=(left & ~waiting).sum().cast(pl.Int64),
            is_timed=(~waiting).any(),
        )
        .filter(pl.col("is_timed").any().over("source"))
        .group_by("surface", "day", wait_low_s=wait_low_s(low_s), wait_high_s=wait_high_s(low_s), cell="cell")
        .agg(pl.col("ended_count", "left_waiting_count", "left_after_count").sum())
    )


def ended_abandoned_here() -> pl.Expr:
    """Whether the session was abandoned and this was its last call (not only the last one of this frame)."""
    return (pl.col("step_index") == pl.col("left_at_step")).fill_null(value=False)


def cell(wait_s: pl.Expr) -> pl.Expr:
    """Number of the grid's cell that a wait falls in, -1 below the shortest; null for null."""
    steps = (wait_s.clip(lower_bound=SHORTEST_CELL_S / 2) / SHORTEST_CELL_S).log(2) * CELLS_PER_DOUBLING
    return (steps + ROUNDING).floor().clip(lower_bound=-1).cast(pl.Int32)


def cell_low_edge_s() -> pl.Expr:
    """Lower edge of the column `cell`, rounded so that edges of bands are met; 0 for cell -1."""
    grown = SHORTEST_CELL_S * pl.lit(2.0).pow((pl.col("cell") + ROUNDING) / CELLS_PER_DOUBLING)
    return pl.when(pl.col("cell") < 0).then(0.0).otherwise(grown)


def cell_low_s(number: int) -> float:
    """Lower edge of a cell; 0 for cell -1."""
    return 0.0 if number < 0 else SHORTEST_CELL_S * 2.0 ** (number / CELLS_PER_DOUBLING)
