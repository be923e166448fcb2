"""Where a sign changes: a scan outwards from where things are, then bisection."""

from collections.abc import Callable

import numpy as np

SCAN_COUNT = 6
"""Points of the scan on each side."""
ROUNDS = 7
"""Halvings: a crossing is told to a hundredth of the scan's step."""


def first_crossing(
    gap: Callable[[float], float],
    stop: float,
    *,
    start: float = 1.0,
    scan_count: int = SCAN_COUNT,
    rounds: int = ROUNDS,
) -> float | None:
    """The value nearest to `start` on the way to `stop` at which a gap is no longer positive, in logs.

    Args:
        gap: Positive where the winner wins; at `start` it is taken to be.
        stop: End of the range; above or below `start`, positive like it.
        start: Where things are today.
        scan_count: Points at which the way is looked at before halving: a pair of crossings between two of them stays
            unseen.
        rounds: Halvings.

    Returns:
        The crossing, or None where the winner wins all the way.
    """
    before = float(np.log(start))
    for point in np.linspace(before, np.log(stop), scan_count + 1)[1:].tolist():
        if gap(float(np.exp(point))) <= 0.0:
            return _halved(gap, before, point, rounds)
        before = point
    return None


def _halved(gap: Callable[[float], float], good: float, bad: float, rounds: int) -> float:
    for _ in range(rounds):
        middle = (good + bad) / 2.0
        if gap(float(np.exp(middle))) > 0.0:
            good = middle
        else:
            bad = middle
    return float(np.exp((good + bad) / 2.0))
