"""TraceLab: rounds of Claude Code and Codex sessions with their timing events and tools."""

from warehouse.ingest.adapters.tracelab.adapter import fits, read_tracelab

__all__ = ["fits", "read_tracelab"]
