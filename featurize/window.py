"""The peak window: the stretch of time with most offered work, and the demand inside it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dataframely as dy
import numpy as np
import polars as pl

from featurize.errors import NoCallsError, WindowError
from warehouse.contracts import DemandCalls


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakWindow:
    """A stretch of time, closed at its start and open at its end, and the work offered in it."""

    start: datetime
    end: datetime
    offered_tokens: float
    """Weighted sum of input tokens that are not shared and of output tokens."""


def peak_window(demand: pl.LazyFrame, *, window_s: float = 900.0, step_s: float = 60.0) -> PeakWindow:
    """Find the window of most offered work, the earliest of equals. Collects.

    Windows begin at whole steps since 1970 (UTC), so the choice does not move with the first call of a frame.

    Args:
        demand: frame valid under `DemandCalls`.
        window_s: length, a whole number of steps.
        step_s: distance of the starts that are tried, at least 1 µs.

    Raises:
        WindowError: the length is not a whole number of steps, at least one.
        NoCallsError: the demand has no rows.
    """
    step_us = round(step_s * 1e6)
    window_us = round(window_s * 1e6)
    if step_us < 1 or window_us < step_us or window_us % step_us:
        raise WindowError(
            f"a window of {window_s} s is not a whole number (1 or more) of steps of {step_s} s: "
            "choose a step that divides the window"
        )
    work = (
        demand.group_by(step=pl.col("requested_at").dt.epoch("us") // step_us, maintain_order=True)
        .agg(offered_tokens=offered_tokens().sum())
        .sort("step")
        .collect()
    )
    if work.is_empty():
        raise NoCallsError("a peak window needs at least 1 call, got 0: choose days or surfaces that have calls")
    steps = work["step"].to_numpy()
    total = np.concatenate(([0.0], np.cumsum(work["offered_tokens"].to_numpy())))
    # A best window that begins at an occupied step always exists: sliding right to it loses nothing.
    ends = np.searchsorted(steps, steps + window_us // step_us, side="left")
    in_window = total[ends] - total[:-1]
    best = int(np.argmax(in_window))
    start = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(steps[best]) * step_us)
    return PeakWindow(start=start, end=start + timedelta(microseconds=window_us), offered_tokens=float(in_window[best]))


def window_demand(demand: pl.LazyFrame, window: PeakWindow) -> dy.LazyFrame[DemandCalls]:
    """The calls requested inside a window.

    A call whose predecessor was requested outside starts at its own time. A parent outside stays named with its
    shared prefix: whether that prefix is still cached is for the replay to say.

    Args:
        demand: frame valid under `DemandCalls`.
        window: from `peak_window`.
    """
    inside = demand.filter(pl.col("requested_at").is_between(window.start, window.end, closed="left"))
    present = inside.select(start_inside=pl.col("call_id"))
    return DemandCalls.cast(
        inside.join(
            present.with_columns(starts_after_call_id=pl.col("start_inside")),
            on="starts_after_call_id",
            how="left",
            maintain_order="left",
        ).with_columns(
            starts_after_call_id=pl.col("start_inside"),
            gap_s=pl.when(pl.col("start_inside").is_not_null()).then(pl.col("gap_s")).otherwise(0.0),
        )
    )


def offered_tokens() -> pl.Expr:
    """Work that a call offers: prompt tokens that it shares with nobody, and output tokens, by scenario weight."""
    fresh = pl.col("input_tokens") - pl.col("shared_prefix_tokens")
    return (fresh + pl.col("output_tokens")) * pl.col("weight_ratio")
