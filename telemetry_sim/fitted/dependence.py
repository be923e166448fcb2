"""Dependence of one quantity on another that leaves both laws as they are: a table of shares by rank."""

import numpy as np

from telemetry_sim.laws import Floats

Table = tuple[tuple[float, ...], ...]
"""Square; row: band of the first quantity's share, column: of the second's; every row and column sums to 1."""


def shares_given(table: Table, given: Floats, drawn: Floats) -> Floats:
    """Shares of the second quantity, uniform over all rows, that depend on the first one's as the table says.

    A checkerboard copula (Carley and Taylor, A new proof of Sklar's theorem, 2002): inside a cell of the table the two
    are independent.

    Args:
        table: What to follow.
        given: Shares of the first quantity, in (0, 1). Shape (rows,).
        drawn: Independent uniform draws, in (0, 1). Shape (rows,).
    """
    chances = np.asarray(table)
    bands = len(chances)
    row = np.minimum((given * bands).astype(np.int64), bands - 1)
    summed = np.cumsum(chances, axis=1)
    summed /= summed[:, -1:]
    column = np.minimum((drawn[:, None] > summed[row]).sum(axis=1), bands - 1)
    mass = chances[row, column]
    into = (drawn - summed[row, column]) / np.where(mass > 0, mass, 1.0) + 1.0
    return np.asarray(np.clip((column + np.clip(into, 0.0, 1.0)) / bands, 1e-9, 1.0 - 1e-9))
