"""What users do: simulated product telemetry of six surfaces, with the incumbent's latency and users' patience."""

from telemetry_sim.errors import LatencyError, ParameterError, SettingsError, TelemetryError
from telemetry_sim.latency import IncumbentLatency, LatencyLaw, LatencyTable
from telemetry_sim.parameter_files import parse_surface, surface_parameters
from telemetry_sim.parameters import Evidence, SurfaceParameters
from telemetry_sim.settings import DEFAULT_SURFACE_SHARES, SimulationSettings
from telemetry_sim.simulate import TelemetryDay, simulate_day, simulate_days

__all__ = [
    "DEFAULT_SURFACE_SHARES",
    "Evidence",
    "IncumbentLatency",
    "LatencyError",
    "LatencyLaw",
    "LatencyTable",
    "ParameterError",
    "SettingsError",
    "SimulationSettings",
    "SurfaceParameters",
    "TelemetryDay",
    "TelemetryError",
    "parse_surface",
    "simulate_day",
    "simulate_days",
    "surface_parameters",
]
