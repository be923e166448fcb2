"""The numbers that describe a product surface, as frozen dataclasses; their values live in `surfaces/*.yaml`."""

from telemetry_sim.parameters.agent_loop import PHASES, TOOL_KINDS, AgentLoop
from telemetry_sim.parameters.api_burst import ApiBurst
from telemetry_sim.parameters.arrivals import Arrivals, Crowds, Mmpp, RenewalGaps, Windows
from telemetry_sim.parameters.chat import Chat
from telemetry_sim.parameters.files import parse_surface, surface_parameters
from telemetry_sim.parameters.models import MODELS, Models
from telemetry_sim.parameters.prompts import Cache, Context, Output
from telemetry_sim.parameters.service import Latency, Patience
from telemetry_sim.parameters.surface import Evidence, SurfaceParameters
from telemetry_sim.parameters.trend import Trend
from telemetry_sim.parameters.volume import Volume

__all__ = [
    "MODELS",
    "PHASES",
    "TOOL_KINDS",
    "AgentLoop",
    "ApiBurst",
    "Arrivals",
    "Cache",
    "Chat",
    "Context",
    "Crowds",
    "Evidence",
    "Latency",
    "Mmpp",
    "Models",
    "Output",
    "Patience",
    "RenewalGaps",
    "SurfaceParameters",
    "Trend",
    "Volume",
    "Windows",
    "parse_surface",
    "surface_parameters",
]
