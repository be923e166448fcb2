"""What a service is worth: promises kept, load within them, speed against throughput, and a picture of a window."""

from hwmodel.serving.outcomes.attainment import CallLimits, attainment, is_attained
from hwmodel.serving.outcomes.goodput import TARGET_RATIO, Goodput, at_load, goodput
from hwmodel.serving.outcomes.operating_points import OperatingPoint, Workload, operating_points
from hwmodel.serving.outcomes.pareto import FrontPoint, Layout, SplitTrial, front, layouts_of
from hwmodel.serving.outcomes.split_points import Pools, split_operating_points
from hwmodel.serving.outcomes.trace_events import trace_events

__all__ = [
    "TARGET_RATIO",
    "CallLimits",
    "FrontPoint",
    "Goodput",
    "Layout",
    "OperatingPoint",
    "Pools",
    "SplitTrial",
    "Workload",
    "at_load",
    "attainment",
    "front",
    "goodput",
    "is_attained",
    "layouts_of",
    "operating_points",
    "split_operating_points",
    "trace_events",
]
