"""The table of dependence between two quantities of single calls, with even margins."""

import numpy as np

from telemetry_sim.fitted.dependence import Table
from telemetry_sim.fitted.mixture import MixtureLaw
from telemetry_sim.laws import Floats

CALLS_PER_CELL = 50
MOST_BANDS = 10
EVEN_MASS = 1e-3
"""Assumed: added to each cell, as a share of its even one, so that none is impossible."""
ROUNDS = 60


def dependence_of(one_law: MixtureLaw, one: Floats, other_law: MixtureLaw, other: Floats) -> Table:
    """How the second quantity's rank depends on the first one's; empty where there are too few calls to tell.

    Margins are made even by iterated scaling (Sinkhorn, 1967), so that both laws stay as they were fitted.

    Args:
        one_law: Law of the first quantity.
        one: Its values. Shape (calls,).
        other_law: Law of the second quantity.
        other: Its values. Shape (calls,).
    """
    bands = min(int(np.sqrt(len(one) / CALLS_PER_CELL)), MOST_BANDS)
    if bands < 2:
        return ()
    table = _held(one_law, one, bands).T @ _held(other_law, other, bands)
    table += EVEN_MASS * table.sum() / bands**2
    for _ in range(ROUNDS):
        table /= table.sum(axis=0, keepdims=True)
        table /= table.sum(axis=1, keepdims=True)
    return tuple(tuple(float(f"{share:.5g}") for share in row) for row in table)


def _held(law: MixtureLaw, values: Floats, bands: int) -> Floats:
    """What part of each value's cell lies in each band of the law's shares. Shape (values, bands)."""
    half = 0.5 * law.grid
    low, high = law.below(values - half), law.below(values + half)
    high = np.maximum(high, low + 1e-9)
    edges = np.arange(bands + 1) / bands
    edges[0], edges[-1] = -1.0, 2.0
    covered = np.clip(np.minimum(high[:, None], edges[1:]) - np.maximum(low[:, None], edges[:-1]), 0.0, None)
    return np.asarray(covered / (high - low)[:, None])
