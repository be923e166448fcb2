"""Latency as a table measured elsewhere, in place of the incumbent's own laws: quantiles by tier, hour and tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

import numpy as np
import polars as pl
from numba import njit

from telemetry_sim.errors import LatencyError
from telemetry_sim.laws import Floats
from warehouse.contracts import LATENCY_KNOTS, LATENCY_LEVELS, SERVICE_TIERS, TPOT_COLUMNS, TTFT_COLUMNS, Surface

DAY_HOURS = 24
LEVEL_NORMALS: Floats = np.array([NormalDist().inv_cdf(level) for level in LATENCY_LEVELS])
"""Where a standard normal draw finds each quantile."""
LOG_KNOTS: Floats = np.log(np.asarray(LATENCY_KNOTS, dtype=np.float64))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredTable:
    """How long calls of one surface take, as it was measured: logarithms of quantiles.

    A call's standard normal picks the quantile, its tokens the place between knots; both by straight lines in
    logarithms, and constant outside: nothing is longer than the highest quantile measured. The load is that of the hour
    of the day when it was measured, whatever the simulation offers.
    """

    log_first_s: Floats
    """Logarithm of the time to first token, queue included, by uncached tokens; shape (tiers, 24, knots, levels)."""
    log_token_s: Floats
    """The same for the time per output token, by prompt tokens."""
    queue_ratio: Floats
    """Part of the time to first token that is queue, shape (tiers, 24)."""

    def __post_init__(self) -> None:
        shape = (len(SERVICE_TIERS), DAY_HOURS, len(LATENCY_KNOTS), len(LATENCY_LEVELS))
        for name in ("log_first_s", "log_token_s"):
            if getattr(self, name).shape != shape or not np.isfinite(getattr(self, name)).all():
                raise LatencyError(f"{name} has shape {getattr(self, name).shape} or gaps; give {shape} times above 0")
        if self.queue_ratio.shape != shape[:2]:
            raise LatencyError(f"queue_ratio has shape {self.queue_ratio.shape}; give {shape[:2]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredLatency:
    """Latency of a service that was measured: a `LatencyLaw` for the simulation."""

    tables: Mapping[Surface, MeasuredTable]

    @classmethod
    def of(cls, latencies: pl.DataFrame) -> Self:
        """The law of a frame valid under `ServiceLatency`. A tier that was not measured gets the next urgent one's.

        Raises:
            LatencyError: A surface lacks hours or knots.
        """
        names = latencies["surface"].cast(pl.String).unique().sort().to_list()
        return cls(tables={Surface(name): _table(latencies.filter(surface=name), name) for name in names})

    def table(self, surface: Surface, offered_ratio: Floats) -> MeasuredTable:
        """The table of a surface; its load is the one it was measured under, and `offered_ratio` changes nothing.

        Raises:
            LatencyError: The surface was not measured.
        """
        del offered_ratio
        if surface not in self.tables:
            known = ", ".join(self.tables) or "none"
            raise LatencyError(
                f"no measured latencies of {surface}; measured: {known}; leave the surface out or measure"
            )
        return self.tables[surface]


def _table(latencies: pl.DataFrame, name: str) -> MeasuredTable:
    rows = latencies.sort("service_tier", "hour", "knot_tokens")
    tiers = sorted(rows["service_tier"].unique().to_physical().to_list())
    wanted = len(tiers) * DAY_HOURS * len(LATENCY_KNOTS)
    if len(rows) != wanted or set(rows["knot_tokens"]) != set(LATENCY_KNOTS):
        raise LatencyError(f"latencies of {name} have {len(rows)} rows; every hour and knot of a tier is {wanted}")
    shape = (len(tiers), DAY_HOURS, len(LATENCY_KNOTS))
    stands_for = [max((t for t in tiers if t <= tier), default=tiers[0]) for tier in range(len(SERVICE_TIERS))]
    chosen = [tiers.index(tier) for tier in stands_for]
    first, token = (np.log(rows.select(names).to_numpy()) for names in (TTFT_COLUMNS, TPOT_COLUMNS))
    queue = rows["queue_ratio"].to_numpy().reshape(shape)[:, :, 0]
    return MeasuredTable(
        log_first_s=first.reshape(*shape, -1)[chosen],
        log_token_s=token.reshape(*shape, -1)[chosen],
        queue_ratio=queue[chosen],
    )


@njit(cache=True, nogil=True)
def _place(at: Floats, value: float) -> tuple[int, float]:
    """The interval of a grid that holds a value, and how far along; ends for what lies outside."""
    last = len(at) - 1
    if value <= at[0]:
        return 0, 0.0
    if value >= at[last]:
        return last - 1, 1.0
    low = int(np.searchsorted(at, value, side="right")) - 1
    return low, (value - at[low]) / (at[low + 1] - at[low])


@njit(cache=True, nogil=True)
def measured_s(log_s: Floats, log_knots: Floats, level_normals: Floats, tokens: float, normal: float) -> float:
    """Time at so many tokens for a standard normal; `log_s` has shape (knots, levels)."""
    k, along = _place(log_knots, np.log(max(tokens, 1.0)))
    q, up = _place(level_normals, normal)
    low = log_s[k, q] * (1.0 - up) + log_s[k, q + 1] * up
    high = log_s[k + 1, q] * (1.0 - up) + log_s[k + 1, q + 1] * up
    return float(np.exp(low * (1.0 - along) + high * along))
