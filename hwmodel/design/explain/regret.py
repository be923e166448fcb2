"""Regret: what a design gives away in each scenario against the best that is known there."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

TOP_COUNT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Regret:
    """A matrix of designs by scenarios, and its summary by design. Unknown cells are NaN."""

    regret_ratio: Float[np.ndarray, "designs scenarios"]
    """Share of the best design's value per dollar that is given away; 0 for the best."""
    rank: Int[np.ndarray, "designs scenarios"]
    """1 for the best of the rows; 0 where unknown."""
    most_ratio: Float[np.ndarray, "designs"]
    """Largest regret; the design with the least of these is the minimax one."""
    mean_ratio: Float[np.ndarray, "designs"]
    """Over the scenarios, each counting alike."""
    top_ratio: Float[np.ndarray, "designs"]
    """Share of the scenarios in which the design is one of the three best rows."""

    @property
    def minimax(self) -> int:
        """Row of least largest regret."""
        return int(np.nanargmin(self.most_ratio))

    @property
    def least_mean(self) -> int:
        """Row of least mean regret."""
        return int(np.nanargmin(self.mean_ratio))


def regret_of(
    values: Float[np.ndarray, "designs scenarios"], best: Float[np.ndarray, "scenarios"] | None = None
) -> Regret:
    """Regret of every design in every scenario.

    Args:
        values: Value per dollar by one method; NaN where it was not asked, 0 where the design cannot serve.
        best: Best value known in each scenario by the same method, where more designs were scored than are shown.
    """
    known = np.isfinite(values)
    filled = np.where(known, values, -np.inf)
    top = filled.max(axis=0)
    top = top if best is None else np.maximum(top, best)
    kept = np.divide(values, top, out=np.ones_like(values), where=known & (top > 0.0))
    regret = np.where(known, 1.0 - kept, np.nan)
    rank = np.where(known, 1 + (filled[None, :, :] > filled[:, None, :]).sum(axis=1), 0)
    asked = known.any(axis=1)
    counted = np.where(asked[:, None], regret, 0.0)
    most = np.where(asked, np.nanmax(counted, axis=1), np.nan)
    mean = np.where(asked, np.nanmean(counted, axis=1), np.nan)
    near = ((rank > 0) & (rank <= TOP_COUNT)).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return Regret(
        regret_ratio=regret,
        rank=rank,
        most_ratio=most,
        mean_ratio=mean,
        top_ratio=np.where(asked, near, np.nan),
    )
