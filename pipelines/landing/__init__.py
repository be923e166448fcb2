"""The landing folder: files that people and machines drop, taken into the lake once they are complete."""

from pipelines.landing.ingestion import IngestResult, ingest_source, ingest_trace
from pipelines.landing.sensors import feature_requests, features_of_landed_days, landing_folder, landing_tick

__all__ = [
    "IngestResult",
    "feature_requests",
    "features_of_landed_days",
    "ingest_source",
    "ingest_trace",
    "landing_folder",
    "landing_tick",
]
