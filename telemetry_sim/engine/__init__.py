"""Plays drafts against the incumbent, block by block, and writes what happened as frames of the contracts."""

from telemetry_sim.engine.blocks import SurfaceDay, played_blocks
from telemetry_sim.engine.latency import IncumbentLatency, LatencyLaw, LatencyTable
from telemetry_sim.engine.measured import MeasuredLatency, MeasuredTable
from telemetry_sim.engine.play import Played, play
from telemetry_sim.engine.simulate import (
    TelemetryDay,
    TelemetryPart,
    parts_of_day,
    parts_of_sessions,
    simulate_day,
    simulate_days,
)

__all__ = [
    "IncumbentLatency",
    "LatencyLaw",
    "LatencyTable",
    "MeasuredLatency",
    "MeasuredTable",
    "Played",
    "SurfaceDay",
    "TelemetryDay",
    "TelemetryPart",
    "parts_of_day",
    "parts_of_sessions",
    "play",
    "played_blocks",
    "simulate_day",
    "simulate_days",
]
