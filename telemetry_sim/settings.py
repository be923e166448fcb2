"""What a caller chooses about a simulation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from telemetry_sim.errors import SettingsError
from warehouse.contracts import Surface

DEFAULT_SURFACE_SHARES: Mapping[Surface, float] = MappingProxyType(
    {
        Surface.CODEX_LOOP: 0.34,
        Surface.LONG_CONTEXT_CHAT: 0.12,
        Surface.API_BURST: 0.28,
        Surface.MULTIMODAL: 0.08,
        Surface.ALWAYS_ON_ASSISTANT: 0.12,
        Surface.AUTONOMOUS_WORKFLOW: 0.06,
    }
)
"""Shares of model calls by surface; assumed, no public trace covers all six."""
MAX_CALLS_PER_DAY = 1_000_000_000
SHARE_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSettings:
    """Seed, volume, mix and switches of a simulation.

    Attributes:
        seed: Root of all random numbers; the same seed gives the same bytes.
        calls_per_day: Expected model calls of a working day over all surfaces, under the incumbent's latency with
            abandonment on. Weekends have fewer (each surface's `weekend_ratio`).
        first_day: Day from which context growth is counted.
        surface_shares: Share of calls by surface; absent surfaces have none; sums to 1.
        abandonment: Whether people who wait too long leave.
        growth_ratio: Multiplies each surface's declared daily growth of context: 0 switches it off.
    """

    seed: int = 0
    calls_per_day: int = 72_000
    first_day: date = date(2026, 6, 1)
    surface_shares: Mapping[Surface, float] = field(default_factory=lambda: DEFAULT_SURFACE_SHARES)
    abandonment: bool = True
    growth_ratio: float = 1.0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise SettingsError(f"seed {self.seed} is negative; choose a whole number from 0")
        if not 1 <= self.calls_per_day <= MAX_CALLS_PER_DAY:
            raise SettingsError(f"calls_per_day {self.calls_per_day} is outside [1, {MAX_CALLS_PER_DAY}]")
        if not 0.0 <= self.growth_ratio <= 10.0:
            raise SettingsError(f"growth_ratio {self.growth_ratio} is outside [0, 10]")
        unknown = [str(surface) for surface in self.surface_shares if surface not in Surface]
        if unknown:
            raise SettingsError(f"unknown surfaces {', '.join(unknown)}; known: {', '.join(Surface)}")
        negative = {str(surface): share for surface, share in self.surface_shares.items() if not share >= 0.0}
        if negative:
            raise SettingsError(f"surface shares {negative} must not be negative")
        total = math.fsum(self.surface_shares.values())
        if abs(total - 1.0) > SHARE_TOLERANCE:
            raise SettingsError(f"surface shares sum to {total:.6f}; they must sum to 1")

    def calls_of(self, surface: Surface) -> float:
        """Expected calls of a working day of one surface."""
        return self.calls_per_day * self.surface_shares.get(surface, 0.0)
