"""Serves the calls of a trace with the scheduler that a configuration names."""

from hwmodel.serving.calls import CallTimes, TraceCalls
from hwmodel.serving.config import SchedulerKind, ServingConfig
from hwmodel.serving.errors import BadConfig
from hwmodel.serving.profiles.reach import refuse_beyond
from hwmodel.serving.profiles.step_time import ProfileCost
from hwmodel.serving.sarathi import serve_sarathi


def serve_calls(calls: TraceCalls, cost: ProfileCost, scheduler: ServingConfig) -> CallTimes:
    """When each call is served on one replica.

    Args:
        calls: With arrivals on the trace's clock.
        cost: Times of steps.
        scheduler: Rule and bounds of the engine.

    Raises:
        BadConfig: The scheduler does not serve traces.
        DoesNotFit: A call needs more cache than there is.
        OutsideProfile: Calls or bounds are larger than what was measured.
    """
    refuse_beyond(cost, calls, scheduler)
    match scheduler.scheduler:
        case SchedulerKind.SARATHI_VIDUR:
            return serve_sarathi(calls, cost, scheduler)
        case SchedulerKind.VLLM_V1:
            raise BadConfig(f"scheduler {scheduler.scheduler} does not serve traces of calls; sarathi_vidur does")
