"""Simulated calls as load files that drive a real server: Mooncake traces and input of AIPerf."""

from telemetry_sim.export.lineage import BLOCK_TOKENS
from telemetry_sim.export.load_file import LoadFormat, LoadWriter

__all__ = ["BLOCK_TOKENS", "LoadFormat", "LoadWriter"]
