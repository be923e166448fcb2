"""What a caller chooses about a simulation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType

from telemetry_sim.errors import SettingsError
from telemetry_sim.parameters import SurfaceParameters
from telemetry_sim.parameters.files import surface_parameters
from telemetry_sim.population.crowds import FlashCrowd, drawn_crowds
from telemetry_sim.population.trends import Drift, mix_ratios, volume_ratio
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
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSettings:
    """Seed, volume, mix and switches of a simulation.

    A known truth is planted by `surfaces` (parameters made by `telemetry_sim.plants`, by `replace`, or read from a
    fitted file) and by `crowds`; everything that the simulator does with a surface follows them, the incumbent's
    latency included.

    Attributes:
        seed: Root of all random numbers; the same seed gives the same bytes.
        calls_per_day: Expected model calls of a working day over all surfaces on the first day, under the incumbent's
            latency with abandonment on. Weekends have fewer (each surface's `weekend_ratio`), crowds come on top.
        first_day: Day from which growth and drift are counted.
        surface_shares: Share of calls by surface on the first day; absent surfaces have none; sums to 1.
        abandonment: Whether people who wait too long leave.
        drift: Switches of growth and drift over days.
        surfaces: Parameters that replace the shipped ones, by surface.
        crowds: Flash crowds beside those that come by chance.
    """

    seed: int = 0
    calls_per_day: int = 72_000
    first_day: date = date(2026, 6, 1)
    surface_shares: Mapping[Surface, float] = field(default_factory=lambda: DEFAULT_SURFACE_SHARES)
    abandonment: bool = True
    drift: Drift = field(default_factory=Drift)
    surfaces: Mapping[Surface, SurfaceParameters] = field(default_factory=dict)
    crowds: tuple[FlashCrowd, ...] = ()

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise SettingsError(f"seed {self.seed} is negative; choose a whole number from 0")
        if not 1 <= self.calls_per_day <= MAX_CALLS_PER_DAY:
            raise SettingsError(f"calls_per_day {self.calls_per_day} is outside [1, {MAX_CALLS_PER_DAY}]")
        unknown = [str(surface) for surface in self.surface_shares if surface not in Surface]
        if unknown:
            raise SettingsError(f"unknown surfaces {', '.join(unknown)}; known: {', '.join(Surface)}")
        negative = {str(surface): share for surface, share in self.surface_shares.items() if not share >= 0.0}
        if negative:
            raise SettingsError(f"surface shares {negative} must not be negative")
        total = math.fsum(self.surface_shares.values())
        if abs(total - 1.0) > SHARE_TOLERANCE:
            raise SettingsError(f"surface shares sum to {total:.6f}; they must sum to 1")
        strangers = [f"{key} is given {value.surface}" for key, value in self.surfaces.items() if value.surface != key]
        if strangers:
            raise SettingsError(f"surfaces: {', '.join(strangers)}; give each surface its own parameters")

    def parameters_of(self, surface: Surface) -> SurfaceParameters:
        """Parameters of a surface: those given, else those shipped."""
        return self.surfaces.get(surface) or surface_parameters(surface)

    def calls_of(self, surface: Surface) -> float:
        """Expected calls of one surface on a working day, growth and drift left out."""
        return self.calls_per_day * self.surface_shares.get(surface, 0.0)

    def sessions_of(self, surface: Surface) -> float:
        """Expected sessions of one surface on a working day, growth and drift left out; decides how many clients."""
        return self.calls_of(surface) / self.parameters_of(surface).volume.mean_calls_per_session_count

    def trend_ratio(self, surface: Surface, day: date) -> float:
        """Volume of a surface on a day over that of the first day, weekdays and crowds left out."""
        number = (day - self.first_day).days
        trends = {each: self.parameters_of(each).volume.trend for each in (*self.surface_shares, surface)}
        mix = mix_ratios(self.surface_shares, trends, number, self.drift).get(surface, 1.0)
        return mix * volume_ratio(trends[surface], number, self.drift)

    def context_ratio(self, surface: Surface, day: date) -> float:
        """Length of new prompts on a day over that on the first day."""
        declared = self.parameters_of(surface).volume.context_growth_per_day_ratio
        growth = declared * self.drift.context_growth_ratio
        return float((1.0 + growth) ** (day - self.first_day).days)

    def crowds_of(self, surface: Surface, day: date) -> list[FlashCrowd]:
        """Crowds of a surface that may still bring sessions on a day, planted ones included."""
        law = self.parameters_of(surface).volume.crowds
        recent = (day - ONE_DAY, day)
        drawn = [crowd for start in recent for crowd in drawn_crowds(self.seed, surface, law, start)]
        return [crowd for crowd in self.crowds if crowd.surface == surface and crowd.day in recent] + drawn
