"""The Claude Code sessions of kv-cache-tester: one JSON file a session, or tables of all sessions."""

from warehouse.ingest.adapters.weka.adapter import fits, read_weka

__all__ = ["fits", "read_weka"]
