"""Whether the windows of a ServeGen trace can be seconds with rates a second, and which unit they look like if not."""

from pathlib import Path

import numpy as np
import polars as pl

from warehouse.ingest.errors import UnreadableTrace

__all__ = ["LONGEST_TRACE_S", "refuse_window_unit"]

LONGEST_TRACE_S = 366 * 86_400.0
"""Assumed: a trace spans at most a year; the public ones span two weeks."""
LONGEST_WINDOW_S = 86_400.0
"""Assumed: a window lasts at most a day; the public ones last ten minutes."""
FEWEST_WINDOWS_TO_JUDGE = 20
LARGEST_MISS = 20.0
"""Assumed: the rate times the law's mean gap is 1 but for the fit; in the public data its median is 0.99 to 1.0."""


def refuse_window_unit(windows: pl.DataFrame, path: Path) -> None:
    """Refuses a file whose windows as a whole cannot be seconds, or whose rates do not go with their gaps.

    Raises:
        UnreadableTrace: with the guess.
    """
    step = windows.sort("model", "client", "window_start_s").select(
        pl.col("window_start_s").diff().over("model", "client").abs()
    )
    usual = float(step.to_series().drop_nulls().median() or 0)  # type: ignore[arg-type]
    if usual > LONGEST_WINDOW_S:
        raise UnreadableTrace(
            f"{path}: windows are typically {usual:,.0f} s apart (limit {LONGEST_WINDOW_S:,.0f}); the starts look like "
            "milliseconds: divide them by 1,000"
        )
    parameters = pl.min_horizontal("rate", "arg1", "arg2")
    active = windows.filter(parameters > 0, pl.col("pattern") == "Gamma")
    if active.height < FEWEST_WINDOWS_TO_JUDGE:
        return
    product = active["rate"].to_numpy() * active["arg1"].to_numpy() * active["arg2"].to_numpy()
    typical = float(np.median(product))
    if not 1 / LARGEST_MISS <= typical <= LARGEST_MISS:
        raise UnreadableTrace(
            f"{path}: rate x mean gap (arg1 x arg2) is typically {typical:.4g} where 1 is due: is the rate a second "
            "and the scale in seconds? Convert the columns"
        )
