"""The ledger: what was run, predicted, evaluated, recommended and decided, kept in a relational database."""

from warehouse.ledger.ledger import Ledger, ledger_url, open_ledger
from warehouse.ledger.records import (
    DataVersion,
    Decision,
    DesignPoint,
    Evaluation,
    Generation,
    ModelVersion,
    Prediction,
    Purpose,
    Recommendation,
    RecommendationStatus,
    Run,
    RunStatus,
    design_id_of,
)
from warehouse.ledger.repository import UnitOfWork

__all__ = [
    "DataVersion",
    "Decision",
    "DesignPoint",
    "Evaluation",
    "Generation",
    "Ledger",
    "ModelVersion",
    "Prediction",
    "Purpose",
    "Recommendation",
    "RecommendationStatus",
    "Run",
    "RunStatus",
    "UnitOfWork",
    "design_id_of",
    "ledger_url",
    "open_ledger",
]
