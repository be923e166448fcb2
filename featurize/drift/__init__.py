"""What changes from day to day: drift of session features, trends of surfaces, sessions of kinds that were rare."""

from featurize.drift.clusters import emerging_clusters
from featurize.drift.emerging import emerging_workloads
from featurize.drift.false_discovery import adjusted_p_values
from featurize.drift.features import SESSION_FEATURES
from featurize.drift.trends import SurfaceTrend, surface_trends
from featurize.drift.two_sample import workload_drift

__all__ = [
    "SESSION_FEATURES",
    "SurfaceTrend",
    "adjusted_p_values",
    "emerging_clusters",
    "emerging_workloads",
    "surface_trends",
    "workload_drift",
]
