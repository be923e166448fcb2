"""Dynamo's request trace: events of model calls and tool runs."""

from warehouse.ingest.adapters.dynamo.adapter import FOLDER, fits, read_dynamo

__all__ = ["FOLDER", "fits", "read_dynamo"]
