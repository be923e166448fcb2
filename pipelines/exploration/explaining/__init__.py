"""Why a design is recommended: finalists taken apart, their bills, what would overturn them, all in words."""

from pipelines.exploration.explaining.explanation import ExplainPlan, Subject, explain
from pipelines.exploration.explaining.forecast_rows import forecast_rows
from pipelines.exploration.explaining.views import recommendation_view

__all__ = [
    "ExplainPlan",
    "Subject",
    "explain",
    "forecast_rows",
    "recommendation_view",
]
