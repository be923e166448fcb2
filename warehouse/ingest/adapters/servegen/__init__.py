"""ServeGen: rates and lengths of clients by window, from which calls are drawn."""

from warehouse.ingest.adapters.servegen.adapter import FOLDER, fits, read_servegen
from warehouse.ingest.adapters.servegen.files import split_selection

__all__ = ["FOLDER", "fits", "read_servegen", "split_selection"]
