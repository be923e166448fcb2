"""What users will bear: the chance that a session is left, estimated from telemetry, applied to replayed waits."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from warehouse.contracts import SURFACES

BANDS = ("leave_ratio", "leave_low_ratio", "leave_high_ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonmentModel:
    """Chance of leaving at a call, by surface and band of time to first token."""

    edges_s: tuple[Float[np.ndarray, "bands"], ...]
    """Lower edge of each band, by surface; empty where telemetry tells nothing (nobody leaves)."""
    hazard: tuple[Float[np.ndarray, "bands"], ...]

    @classmethod
    def nobody_leaves(cls) -> "AbandonmentModel":
        """Abandonment switched off, or unknown."""
        nothing = tuple(np.empty(0) for _ in SURFACES)
        return cls(edges_s=nothing, hazard=nothing)

    @classmethod
    def of(cls, curve: pl.DataFrame, *, band: str = "leave_ratio") -> "AbandonmentModel":
        """From a frame valid under `AbandonmentCurve`, days pooled by calls at risk.

        Args:
            curve: The estimate.
            band: `leave_ratio`, or an end of its interval.
        """
        pooled = (
            curve.group_by("surface", "wait_low_s")
            .agg(
                hazard=(pl.col(band) * pl.col("at_risk_count")).sum() / pl.col("at_risk_count").sum().clip(1),
            )
            .sort("surface", "wait_low_s")
        )
        edges, hazard = [], []
        for surface in SURFACES:
            rows = pooled.filter(pl.col("surface").cast(pl.String) == surface)
            edges.append(rows["wait_low_s"].to_numpy().astype(np.float64))
            hazard.append(np.clip(rows["hazard"].to_numpy().astype(np.float64), 0.0, 1.0))
        return cls(edges_s=tuple(edges), hazard=tuple(hazard))

    def hazard_at(
        self, surface: Int[np.ndarray, "calls"], ttft_s: Float[np.ndarray, "calls"]
    ) -> Float[np.ndarray, "calls"]:
        """Chance that the session is left at each call; a call never answered is left for sure."""
        found = np.zeros(ttft_s.size)
        for number, (edges, hazard) in enumerate(zip(self.edges_s, self.hazard, strict=True)):
            here = surface == number
            if edges.size:
                band = np.clip(np.searchsorted(edges, ttft_s[here], side="right") - 1, 0, edges.size - 1)
                found[here] = hazard[band]
        return np.where(np.isnan(ttft_s), 1.0, found)

    def stays(
        self,
        surface: Int[np.ndarray, "calls"],
        session: Int[np.ndarray, "calls"],
        requested_s: Float[np.ndarray, "calls"],
        ttft_s: Float[np.ndarray, "calls"],
    ) -> Float[np.ndarray, "calls"]:
        """Chance that the session is still there when each call is answered."""
        order = np.lexsort((np.nan_to_num(requested_s, nan=np.inf), session))
        log_stay = np.log1p(-np.minimum(self.hazard_at(surface, ttft_s)[order], 1.0 - 1e-12))
        running = np.cumsum(log_stay)
        first = np.flatnonzero(np.diff(session[order], prepend=-1))
        before = np.repeat(running[first] - log_stay[first], np.diff(np.append(first, order.size)))
        stays = np.empty(order.size)
        stays[order] = np.exp(running - before)
        return stays
