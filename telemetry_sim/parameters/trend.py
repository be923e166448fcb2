"""How a surface's volume moves over days."""

from dataclasses import dataclass

from telemetry_sim.laws import bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Days count from the simulation's first day; volumes are those of the first day times these trends."""

    volume_growth_per_day_ratio: float = bounded(-0.2, 0.5)
    """Growth of the surface's sessions per day, compounding; moves the total."""
    mix_drift_per_day_ratio: float = bounded(-0.2, 0.5)
    """Growth of the surface's share of the calls per day before shares are scaled to 1; leaves the total."""
    emergence_day_count: float = bounded(0.0, 3650.0)
    """Day on which an emerging surface opens, at 1 % of its volume; nothing before."""
    emergence_per_day_ratio: float = bounded(0.0, 3.0)
    """Logistic growth rate of an emerging surface towards its volume; 0 for a surface that was always there."""
