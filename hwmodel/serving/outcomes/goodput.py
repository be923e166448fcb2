"""Goodput: the largest request rate at which enough calls keep their limits, by bisection over the load of a trace."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.engine import EngineCalls, EngineRun
from hwmodel.serving.errors import BadLimits, NoGoodput
from hwmodel.serving.outcomes.attainment import CallLimits, attainment

TOLERANCE_RATIO = 0.01
"""How far the load that misses may lie above the one that is told."""
TARGET_RATIO = 0.9
"""Share of calls within their limits where none is asked for; as in DistServe's goodput."""
LEAST_LOAD_RATIO, MOST_LOAD_RATIO = 2.0**-12, 2.0**20
"""Loads tried, as multiples of the trace's own."""
LATEST_NS = 2.0**60
"""Arrivals must stay below this however light the load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodput:
    """The last load at which the target was met, beside the first at which it was missed."""

    requests_per_s: float
    load_ratio: float
    """Over the trace's own rate."""
    attainment_ratio: float
    """Share of calls within their limits at this load."""
    missed_requests_per_s: float
    """At most `TOLERANCE_RATIO` above."""
    missed_attainment_ratio: float
    target_ratio: float
    replays_count: int


def at_load(calls: EngineCalls, load_ratio: float) -> EngineCalls:
    """The same calls arriving `load_ratio` times as fast, from the first arrival on.

    Waits between calls of a session are the users' and stay as they are.
    """
    first = calls.start_ns.min()
    return replace(calls, start_ns=first + np.rint((calls.start_ns - first) / load_ratio).astype(np.int64))


def goodput(
    serve: Callable[[EngineCalls], EngineRun],
    calls: EngineCalls,
    limits: CallLimits,
    *,
    target_ratio: float = TARGET_RATIO,
    tolerance_ratio: float = TOLERANCE_RATIO,
) -> Goodput:
    """The largest rate of requests whose attainment reaches the target.

    The load doubles, or halves, from the trace's own until it is bracketed: the lower end meets the target and the
    upper end misses it. Bisection (of the logarithm) keeps that. Attainment falls with load only on the whole: where
    it crosses the target several times, one of the crossings between the bracket's first ends is found.

    Args:
        serve: A replay of calls.
        calls: A trace; its rate is that of its arrivals, calls that follow others included.
        limits: What each call is promised.
        target_ratio: Share of calls that must keep them.
        tolerance_ratio: Where to stop.

    Raises:
        BadLimits: A target that is no share.
        NoGoodput: All calls arrive at one moment, the lightest load misses, or the heaviest still meets the target.
    """
    if not 0.0 < target_ratio <= 1.0:
        raise BadLimits(f"the target is {target_ratio} and must be a share above 0, at most 1")
    span_s = float(calls.start_ns.max() - calls.start_ns.min()) / NS_PER_S
    if span_s <= 0.0:
        raise NoGoodput("all calls arrive at one moment: there is no rate to scale; take a longer trace")
    tried: dict[float, float] = {}

    def reaches(load: float) -> bool:
        if load not in tried:
            tried[load] = attainment(serve(at_load(calls, load)).times, limits)
        return tried[load] >= target_ratio

    low, high = _bracket(reaches, tried, least=max(LEAST_LOAD_RATIO, span_s * NS_PER_S / LATEST_NS))
    while high > low * (1.0 + tolerance_ratio):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if reaches(middle) else (low, middle)
    per_s = (len(calls) - 1) / span_s
    return Goodput(
        requests_per_s=low * per_s,
        load_ratio=low,
        attainment_ratio=tried[low],
        missed_requests_per_s=high * per_s,
        missed_attainment_ratio=tried[high],
        target_ratio=target_ratio,
        replays_count=len(tried),
    )


def _bracket(reaches: Callable[[float], bool], tried: dict[float, float], *, least: float) -> tuple[float, float]:
    """A load that meets the target, and twice that load, which misses it."""
    low = 1.0
    if reaches(low):
        while reaches(2.0 * low):
            low *= 2.0
            if low >= MOST_LOAD_RATIO:
                raise NoGoodput(
                    f"{tried[low]:.1%} of the calls keep their limits even at {low:,.0f} times the trace's load: it "
                    "is too short to find the most that can be served; take a longer trace or tighter limits"
                )
        return low, 2.0 * low
    while not reaches(low):
        if low / 2.0 < least:
            raise NoGoodput(
                f"even at {low:.2g} times the trace's load only {tried[low]:.1%} of the calls keep their limits: they "
                "are out of reach; loosen them or take a lower target"
            )
        low /= 2.0
    return low, 2.0 * low
