"""Trace adapters: files that people have, read into the contracts, with every refused row in quarantine."""

from warehouse.ingest.errors import IngestError, UnknownFormat, UnreadableTrace
from warehouse.ingest.formats import (
    DEFAULT_ANCHOR,
    FORMATS,
    Evidence,
    TraceFormat,
    described_formats,
    detect_format,
    ingest,
)
from warehouse.ingest.ingested import Ingested

__all__ = [
    "DEFAULT_ANCHOR",
    "FORMATS",
    "Evidence",
    "IngestError",
    "Ingested",
    "TraceFormat",
    "UnknownFormat",
    "UnreadableTrace",
    "described_formats",
    "detect_format",
    "ingest",
]
