"""OTLP in JSON: spans and log events of four instrumentations, read as calls, tools and agents."""

from warehouse.ingest.adapters.otlp.adapter import fits, read_otlp

__all__ = ["fits", "read_otlp"]
