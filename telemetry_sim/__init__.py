"""What users do: simulated product telemetry of six surfaces, with the incumbent's latency and users' patience."""

from telemetry_sim.engine.latency import IncumbentLatency, LatencyLaw, LatencyTable
from telemetry_sim.engine.measured import MeasuredLatency, MeasuredTable
from telemetry_sim.engine.partly_measured import PartlyMeasured
from telemetry_sim.engine.simulate import (
    TelemetryDay,
    TelemetryPart,
    parts_of_day,
    parts_of_sessions,
    simulate_day,
    simulate_days,
)
from telemetry_sim.errors import LatencyError, ParameterError, SettingsError, TelemetryError
from telemetry_sim.parameters import Evidence, SurfaceParameters
from telemetry_sim.parameters.files import parse_surface, surface_parameters
from telemetry_sim.plants import StallCause, with_abandonment_step, with_emergence, with_growth, with_stall
from telemetry_sim.population.crowds import FlashCrowd
from telemetry_sim.population.trends import Drift
from telemetry_sim.response import Elasticity, ServiceChange, answered, elasticities, volume_ratio
from telemetry_sim.settings import DEFAULT_SURFACE_SHARES, SimulationSettings

__all__ = [
    "DEFAULT_SURFACE_SHARES",
    "Drift",
    "Elasticity",
    "Evidence",
    "FlashCrowd",
    "IncumbentLatency",
    "LatencyError",
    "LatencyLaw",
    "LatencyTable",
    "MeasuredLatency",
    "MeasuredTable",
    "ParameterError",
    "PartlyMeasured",
    "ServiceChange",
    "SettingsError",
    "SimulationSettings",
    "StallCause",
    "SurfaceParameters",
    "TelemetryDay",
    "TelemetryError",
    "TelemetryPart",
    "answered",
    "elasticities",
    "parse_surface",
    "parts_of_day",
    "parts_of_sessions",
    "simulate_day",
    "simulate_days",
    "surface_parameters",
    "volume_ratio",
    "with_abandonment_step",
    "with_emergence",
    "with_growth",
    "with_stall",
]
