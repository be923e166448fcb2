"""How many sessions a surface has, whose they are and when they start."""

from dataclasses import dataclass

from telemetry_sim.laws import bounded
from telemetry_sim.parameters.arrivals import Arrivals, Crowds
from telemetry_sim.parameters.trend import Trend


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """How many sessions there are, whose they are and when they start."""

    mean_calls_per_session_count: float = bounded(1.0, 5000.0)
    """Under the incumbent's latency with abandonment on; turns calls per day into sessions per day."""
    sessions_per_client_per_day_count: float = bounded(0.01, 1e5)
    clients_per_tenant_count: float = bounded(1.0, 1e5)
    client_zipf_exponent_ratio: float = bounded(0.0, 3.0)
    """Rate of the client of rank r of n is proportional to r^-exponent x exp(-falloff x r / n)."""
    client_falloff_ratio: float = bounded(0.0, 50.0)
    client_input_share_ratio: float = bounded(0.0, 1.0)
    """Part of the variance of log input lengths that lies between clients: each client has a median of its own."""
    client_output_share_ratio: float = bounded(0.0, 1.0)
    """The same of log output lengths."""
    paid_ratio: float = bounded(0.0, 1.0)
    tier_share_ratio: tuple[float, ...] = bounded(0.0, 1.0)
    """Shares of clients by tier: interactive, standard, batch."""
    region_share_ratio: tuple[float, ...] = bounded(0.0, 1.0)
    """Shares of load by region, in the order of `arrivals.REGIONS`."""
    weekend_ratio: float = bounded(0.0, 5.0)
    """Load of a weekend day over a working day, by the client's local calendar."""
    diurnal_ratio: tuple[float, ...] = bounded(0.0, 50.0)
    """Relative load of the 24 local hours; scaled to mean 1 when used."""
    context_growth_per_day_ratio: float = bounded(-0.05, 0.2)
    """Growth of prompt lengths per day since the simulation's first day (products get more context)."""
    error_ratio: float = bounded(0.0, 0.2)
    """Calls that end in a server error."""
    arrivals: Arrivals
    crowds: Crowds
    trend: Trend
