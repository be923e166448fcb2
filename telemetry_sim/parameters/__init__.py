"""The numbers that describe a product surface, as frozen dataclasses; their values live in `surfaces/*.yaml`."""

from telemetry_sim.parameters.agent_loop import PHASES, TOOL_KINDS, AgentLoop
from telemetry_sim.parameters.api_burst import ApiBurst
from telemetry_sim.parameters.chat import Chat
from telemetry_sim.parameters.prompts import Cache, Context, Output
from telemetry_sim.parameters.service import Latency, Patience
from telemetry_sim.parameters.surface import Evidence, SurfaceParameters
from telemetry_sim.parameters.volume import Volume

__all__ = [
    "PHASES",
    "TOOL_KINDS",
    "AgentLoop",
    "ApiBurst",
    "Cache",
    "Chat",
    "Context",
    "Evidence",
    "Latency",
    "Output",
    "Patience",
    "SurfaceParameters",
    "Volume",
]
