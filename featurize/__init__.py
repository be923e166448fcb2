"""What telemetry means: sessions, waits, stalls, abandonment, growth, mix, and the demand behind the calls."""

from featurize.abandonment import abandonment_curve
from featurize.bands import CONTEXT_BANDS
from featurize.card import TokenPercentiles, TrafficSummary, WorkloadCard, workload_card
from featurize.context_trend import context_trend
from featurize.demand import demand_calls
from featurize.drift import SurfaceTrend, emerging_clusters, emerging_workloads, surface_trends, workload_drift
from featurize.errors import FeaturizeError, HistoryTooShortError, NoCallsError, WindowError
from featurize.forecast import demand_forecast, scaled_demand
from featurize.growth import context_growth
from featurize.mix import workload_mix
from featurize.prefix_reuse import cache_life_curve, prefix_reuse
from featurize.sessions import session_features
from featurize.stalls import STALL_LIMITS, StallLimit, stall_profile
from featurize.thresholds import abandonment_thresholds
from featurize.waits import wait_profile, waits_summary
from featurize.window import PeakWindow, peak_window, window_demand

__all__ = [
    "CONTEXT_BANDS",
    "STALL_LIMITS",
    "FeaturizeError",
    "HistoryTooShortError",
    "NoCallsError",
    "PeakWindow",
    "StallLimit",
    "SurfaceTrend",
    "TokenPercentiles",
    "TrafficSummary",
    "WindowError",
    "WorkloadCard",
    "abandonment_curve",
    "abandonment_thresholds",
    "cache_life_curve",
    "context_growth",
    "context_trend",
    "demand_calls",
    "demand_forecast",
    "emerging_clusters",
    "emerging_workloads",
    "peak_window",
    "prefix_reuse",
    "scaled_demand",
    "session_features",
    "stall_profile",
    "surface_trends",
    "wait_profile",
    "waits_summary",
    "window_demand",
    "workload_card",
    "workload_drift",
    "workload_mix",
]
