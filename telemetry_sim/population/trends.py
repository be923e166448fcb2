"""How volumes and prompts of surfaces move over days: growth, drift of the mix, emergence, and their switches."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from telemetry_sim.errors import SettingsError
from telemetry_sim.parameters import Trend
from warehouse.contracts import Surface

OPENING_RATIO = 0.01
"""Part of its volume with which an emerging surface opens."""
MAX_SWITCH_RATIO = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Switches of what the surfaces' files declare: each multiplies the declared daily rate, 0 switches it off."""

    context_growth_ratio: float = 1.0
    volume_growth_ratio: float = 1.0
    mix_drift_ratio: float = 1.0
    emergence: bool = True
    """Whether emerging surfaces emerge; without, they have their volume from the first day."""

    def __post_init__(self) -> None:
        for name in ("context_growth_ratio", "volume_growth_ratio", "mix_drift_ratio"):
            if not 0.0 <= getattr(self, name) <= MAX_SWITCH_RATIO:
                raise SettingsError(f"drift: {name} {getattr(self, name)} is outside [0, {MAX_SWITCH_RATIO:g}]")

    @classmethod
    def none(cls) -> "Drift":
        """Every day is like the first, but for weekdays."""
        return cls(context_growth_ratio=0.0, volume_growth_ratio=0.0, mix_drift_ratio=0.0, emergence=False)


def volume_ratio(trend: Trend, day_number: int, drift: Drift) -> float:
    """Volume of a surface on a day over that of the first day: (1 + growth)^days times the logistic of emergence.

    An emerging surface has nothing before its opening; from then on 1 / (1 + 99 exp(-rate x days since)).
    """
    grown = (1.0 + trend.volume_growth_per_day_ratio * drift.volume_growth_ratio) ** day_number
    if not drift.emergence or trend.emergence_per_day_ratio <= 0.0:
        return grown
    since = day_number - trend.emergence_day_count
    if since < 0.0:
        return 0.0
    unsaturated = (1.0 / OPENING_RATIO - 1.0) * math.exp(-trend.emergence_per_day_ratio * since)
    return grown / (1.0 + unsaturated)


def mix_ratios(
    shares: Mapping[Surface, float], trends: Mapping[Surface, Trend], day_number: int, drift: Drift
) -> dict[Surface, float]:
    """Share of each surface on a day over its share on the first day; the shares of the day sum to 1 again."""
    moved = {
        surface: (1.0 + trends[surface].mix_drift_per_day_ratio * drift.mix_drift_ratio) ** day_number
        for surface in shares
    }
    total = math.fsum(shares[surface] * moved[surface] for surface in shares)
    return {surface: ratio / total for surface, ratio in moved.items()}
