"""The lake: every frame that crosses a room lies here as an Iceberg table. Nothing else opens one."""

from warehouse.lake.tables import DEFAULT_DATASET, Lake, WriteReceipt

__all__ = ["DEFAULT_DATASET", "Lake", "WriteReceipt"]
