"""One function for each chart of the report; each takes a small frame and returns an altair chart."""

from pipelines.report.charts.change import context_trend, demand_forecast
from pipelines.report.charts.designs import pareto, predicted_against_reevaluated
from pipelines.report.charts.explanation import gain_parts, regret_heatmap, tornado
from pipelines.report.charts.history import prediction_history
from pipelines.report.charts.hotspots import hotspots_by_surface, roofline
from pipelines.report.charts.interactivity import interactivity_front
from pipelines.report.charts.leaving import survival
from pipelines.report.charts.recommendation import attribution, bill_shift, four_curves, limits_used
from pipelines.report.charts.reuse import cache_life, hits_by_idle_time
from pipelines.report.charts.waits import stalls_by_cause, waits_by_surface
from pipelines.report.charts.workload import context_growth, load_by_hour, mix_by_surface

__all__ = [
    "attribution",
    "bill_shift",
    "cache_life",
    "context_growth",
    "context_trend",
    "demand_forecast",
    "four_curves",
    "gain_parts",
    "hits_by_idle_time",
    "hotspots_by_surface",
    "interactivity_front",
    "limits_used",
    "load_by_hour",
    "mix_by_surface",
    "pareto",
    "predicted_against_reevaluated",
    "prediction_history",
    "regret_heatmap",
    "roofline",
    "stalls_by_cause",
    "survival",
    "tornado",
    "waits_by_surface",
]
