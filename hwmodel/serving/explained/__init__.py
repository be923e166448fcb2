"""Does a declared incumbent explain the telemetry: its replay compared with what was observed, by shape alone."""

from hwmodel.serving.explained.calls import Served, TimedCalls, observed_calls, replayed_calls
from hwmodel.serving.explained.explain import Explanation, explain_telemetry
from hwmodel.serving.explained.fit import FittedService, fit_service
from hwmodel.serving.explained.incumbent import DeclaredIncumbent, PoolDemand, PoolReplay, pools_of, replay_pool
from hwmodel.serving.explained.latency_table import service_latency
from hwmodel.serving.explained.limits import FIT_DAYS_COUNT
from hwmodel.serving.explained.shape import Likeness, cells_of, likeness
from hwmodel.serving.explained.verdict import Finding, ShapeTest, Verdict, judge

__all__ = [
    "FIT_DAYS_COUNT",
    "DeclaredIncumbent",
    "Explanation",
    "Finding",
    "FittedService",
    "Likeness",
    "PoolDemand",
    "PoolReplay",
    "Served",
    "ShapeTest",
    "TimedCalls",
    "Verdict",
    "cells_of",
    "explain_telemetry",
    "fit_service",
    "judge",
    "likeness",
    "observed_calls",
    "pools_of",
    "replay_pool",
    "replayed_calls",
    "service_latency",
]
