"""What stays of an exploration: the ledger that listens to the search, the tables, the findings in the run's folder."""

from pipelines.exploration.keeping.log import LedgerLog, ToldProgress, ledger_id
from pipelines.exploration.keeping.record import recorded_recommendations, recorded_tables
from pipelines.exploration.keeping.store import load_findings, save_findings

__all__ = [
    "LedgerLog",
    "ToldProgress",
    "ledger_id",
    "load_findings",
    "recorded_recommendations",
    "recorded_tables",
    "save_findings",
]
