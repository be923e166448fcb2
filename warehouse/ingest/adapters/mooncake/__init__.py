"""The Mooncake traces: JSON lines or Parquet of one call each, with ids of 512-token prefix blocks."""

from warehouse.ingest.adapters.mooncake.adapter import COLUMNS, fits, read_mooncake

__all__ = ["COLUMNS", "fits", "read_mooncake"]
