"""Lengths of turns in calls, where a session's end may have cut its last turn short."""

import numpy as np
import polars as pl

from telemetry_sim.laws import Bools, Floats, Ints

GOLDEN = 0.6180339887498949
"""Step of the evenly spread shares that cut turns are completed with: the golden ratio's fraction."""


def turns_of_sessions(main: pl.DataFrame) -> pl.DataFrame:
    """Calls per human request, cut ones completed. Columns session, turn_id, len.

    The play cuts a session's last turn where the session ends. So the last turn counts as at least as long as it was
    seen, and is completed by what the others tell (Kaplan and Meier, 1958, doi:10.1080/01621459.1958.10501452).

    Args:
        main: Calls of main agents, sorted, as `laid_out` gives them.
    """
    turns = main.group_by("session", "turn_id", maintain_order=True).agg(pl.len())
    session = turns["session"].to_numpy()
    is_cut = np.append(session[1:] != session[:-1], True) if len(session) else np.zeros(0, np.bool_)
    return turns.with_columns(len=pl.Series(completed(turns["len"].to_numpy().astype(np.int64), is_cut)))


def completed(lengths: Ints, is_cut: Bools) -> Ints:
    """Lengths with the cut ones replaced by longer or equal ones, spread as the lengths that were seen whole.

    Args:
        lengths: As seen, from 1.
        is_cut: Whether the true length may be longer.
    """
    if is_cut.all() or not is_cut.any():
        return lengths
    values, left = surviving(lengths, is_cut)
    cut = np.flatnonzero(is_cut)
    cut = cut[np.argsort(lengths[cut], kind="stable")]
    reached = np.append(1.0, left)[np.searchsorted(values, lengths[cut], side="left")]
    share = (np.arange(1, len(cut) + 1) * GOLDEN) % 1.0
    place = np.searchsorted(-left, -reached * share, side="left")
    found = lengths.copy()
    found[cut] = np.maximum(values[np.minimum(place, len(values) - 1)], lengths[cut])
    return found


def surviving(lengths: Ints, is_cut: Bools) -> tuple[Ints, Floats]:
    """Values at which whole lengths end, and the share that lasts longer than each."""
    values = np.unique(lengths[~is_cut])
    ends = np.bincount(np.searchsorted(values, lengths[~is_cut]), minlength=len(values))
    at_risk = len(lengths) - np.searchsorted(np.sort(lengths), values, side="left")
    return values, np.asarray(np.cumprod(1.0 - ends / at_risk), dtype=np.float64)
