"""Arrivals at a constant rate, where nothing better is known of when sessions start."""

from telemetry_sim.fitted.arrivals import ArrivalFamily, ArrivalLaw


def poisson(count: int, span_s: float) -> ArrivalLaw:
    """Independent arrivals at the mean rate."""
    return ArrivalLaw(family=ArrivalFamily.RENEWAL, rate_per_s=count / span_s)
