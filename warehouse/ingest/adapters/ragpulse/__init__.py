"""RAGPulse: requests of a university assistant, with the components that their prompts share."""

from warehouse.ingest.adapters.ragpulse.adapter import fits, read_ragpulse

__all__ = ["fits", "read_ragpulse"]
