"""Client rank-share: what part of the requests the busiest clients send."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from telemetry_sim.laws import Floats

RANKS = (1, 3, 10, 30, 100)


def rank_shares(amounts: Floats, *, ranks: Sequence[int] = RANKS) -> Floats:
    """Share of the whole that the clients up to each rank hold; ranks beyond the last client hold all of it.

    Args:
        amounts: Requests, or mean rate, per client. Shape (clients,).
        ranks: From 1.
    """
    summed = np.cumsum(np.sort(amounts)[::-1])
    if len(summed) == 0 or summed[-1] <= 0:
        return np.full(len(ranks), np.nan)
    return np.asarray([summed[min(rank, len(summed)) - 1] / summed[-1] for rank in ranks])


def requests_per_client(calls: pl.DataFrame) -> Floats:
    """Requests of each client of a ModelCalls frame."""
    return calls.group_by("client_id").len()["len"].to_numpy().astype(np.float64)
