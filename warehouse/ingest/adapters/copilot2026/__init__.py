"""The Copilot coding agent release of 2026: shards of sessions with the tokens and tools of each turn."""

from warehouse.ingest.adapters.copilot2026.adapter import SHARDS, fits, read_copilot2026

__all__ = ["SHARDS", "fits", "read_copilot2026"]
