"""One function for each chart of the report; each takes a small frame and returns an altair chart."""

from pipelines.report.charts.designs import pareto, predicted_against_reevaluated
from pipelines.report.charts.hotspots import hotspots_by_surface, roofline
from pipelines.report.charts.recommendation import attribution, bill_shift, four_curves, limits_used
from pipelines.report.charts.waits import abandonment, stalls_by_cause, waits_by_surface
from pipelines.report.charts.workload import context_growth, load_by_hour, mix_by_surface

__all__ = [
    "abandonment",
    "attribution",
    "bill_shift",
    "context_growth",
    "four_curves",
    "hotspots_by_surface",
    "limits_used",
    "load_by_hour",
    "mix_by_surface",
    "pareto",
    "predicted_against_reevaluated",
    "roofline",
    "stalls_by_cause",
    "waits_by_surface",
]
