"""What a design does to price and latency of each surface, over the baseline: what demand answers to."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hwmodel.design.evaluate import Evaluation
from warehouse.contracts import SURFACES


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceChange:
    """Ratios of the design over the baseline for one surface."""

    surface: str
    price_ratio: float
    """Fleet cost of the surface's calls; who serves is assumed to pass it on in full."""
    latency_ratio: float
    """Mean time to the last token of its calls."""


def service_change(baseline: Evaluation, design: Evaluation) -> tuple[SurfaceChange, ...]:
    """By surface with scored calls in both evaluations, which are of the same scenario.

    An LLM's fleet cost is shared out by calls: both fleets serve the same ones, so the shares cancel where one LLM
    serves a surface.
    """
    before, after = _means(baseline), _means(design)
    return tuple(
        SurfaceChange(
            surface=surface,
            price_ratio=float(after[0][at] / before[0][at]),
            latency_ratio=float(after[1][at] / before[1][at]),
        )
        for at, surface in enumerate(SURFACES)
        if np.isfinite([before[0][at], before[1][at], after[0][at], after[1][at]]).all()
    )


def _means(evaluation: Evaluation) -> tuple[Float[np.ndarray, "surfaces"], Float[np.ndarray, "surfaces"]]:
    """Dollars per hour and mean seconds to the last token, by surface; NaN where it has no finished calls."""
    usd, seconds, calls = (np.zeros(len(SURFACES)) for _ in range(3))
    for part in evaluation.pools:
        demand, duration_s = part.pool.demand, part.fleet.result.duration_s
        done = demand.is_scored & np.isfinite(duration_s)
        count = np.bincount(demand.surface[done], minlength=len(SURFACES))
        usd += part.chips_needed * evaluation.usd_per_chip_h * count / max(count.sum(), 1)
        calls += count * part.pool.traffic_ratio
        seconds += (
            np.bincount(demand.surface[done], weights=duration_s[done], minlength=len(SURFACES))
            * part.pool.traffic_ratio
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(calls > 0, usd, np.nan), seconds / calls
