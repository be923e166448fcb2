"""Demand on a fleet: a replay of vLLM-like steps, step costs out of the chip model, and the fleet that is needed."""

from hwmodel.serving.bins import Bins
from hwmodel.serving.demand import ReplayDemand, replay_demand, scale_sessions
from hwmodel.serving.errors import DoesNotFit, EmptyDemand, NoFleet, ServingError
from hwmodel.serving.fleet import Fleet, Promises, promises_of, reachable, smallest_fleet
from hwmodel.serving.replay import ReplayResult, Replica, Scheduler, replay
from hwmodel.serving.replica_rate import ReusePattern, SteadyLoad, StepGrids, cached_ratio, replicas_of
from hwmodel.serving.shared_times import DesignClasses, GroupTimes, group_times
from hwmodel.serving.step_cost import StepCost
from hwmodel.serving.step_timer import KernelGroup, StepTimer, decode_states, prefill_states
from hwmodel.serving.tables import StepCostTables, capacity_tokens, state_tokens, step_cost_tables

__all__ = [
    "Bins",
    "DesignClasses",
    "DoesNotFit",
    "EmptyDemand",
    "Fleet",
    "GroupTimes",
    "KernelGroup",
    "NoFleet",
    "Promises",
    "ReplayDemand",
    "ReplayResult",
    "Replica",
    "ReusePattern",
    "Scheduler",
    "ServingError",
    "SteadyLoad",
    "StepCost",
    "StepCostTables",
    "StepGrids",
    "StepTimer",
    "cached_ratio",
    "capacity_tokens",
    "decode_states",
    "group_times",
    "prefill_states",
    "promises_of",
    "reachable",
    "replay",
    "replay_demand",
    "replicas_of",
    "scale_sessions",
    "smallest_fleet",
    "state_tokens",
    "step_cost_tables",
]
