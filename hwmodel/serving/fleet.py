"""The smallest fleet that keeps the promises: replicas found by bisection over whole replays."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hwmodel.serving.demand import ReplayDemand
from hwmodel.serving.errors import NoFleet
from hwmodel.serving.replay import ReplayResult, Replica, Scheduler, replay
from warehouse.contracts import SERVICE_TIERS

FEWEST_CALLS = 20
"""A surface and tier with fewer scored calls than this does not size the fleet: its attainment is noise."""
MOST_REPLICAS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """Attainment that each service level is owed; arrays have one entry per level (surface x tier)."""

    level: Int[np.ndarray, "calls"]
    """Service level of every call, `surface * tiers + tier`; -1 for calls that are not scored."""
    levels: Int[np.ndarray, "levels"]
    target_ratio: Float[np.ndarray, "levels"]
    calls_count: Int[np.ndarray, "levels"]

    def attainment(self, is_met: Bool[np.ndarray, "calls"]) -> Float[np.ndarray, "levels"]:
        """Share of each level's scored calls inside both limits; calls never served count as missed."""
        met = np.bincount(self.level[self.level >= 0], weights=is_met[self.level >= 0], minlength=_LEVELS)
        return met[self.levels] / self.calls_count

    def margin(self, is_met: Bool[np.ndarray, "calls"]) -> float:
        """Attainment over target of the level that is worst off; not negative where all promises are kept."""
        return float((self.attainment(is_met) - self.target_ratio).min())


_LEVELS = 6 * len(SERVICE_TIERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Replicas of one LLM that keep the promises, and their replay."""

    replicas_count: int
    replicas_needed: float
    """Where the margin crosses zero between this fleet and the next smaller one; designs are compared by it."""
    chips_count: float
    """replicas_needed x chips per replica."""
    result: ReplayResult


def promises_of(demand: ReplayDemand) -> Promises:
    """What the demand's service levels are owed, as the policy states it."""
    level = np.where(demand.is_scored, demand.surface * len(SERVICE_TIERS) + demand.tier, -1)
    counts = np.bincount(level[level >= 0], minlength=_LEVELS)
    sizing = np.flatnonzero(counts >= min(FEWEST_CALLS, counts.max()))
    target = np.array([demand.attainment_target_ratio[level == at].max() for at in sizing])
    return Promises(level=level, levels=sizing, target_ratio=target, calls_count=counts[sizing])


def reachable(promises: Promises, demand: ReplayDemand, replica: Replica, scheduler: Scheduler) -> Promises:
    """The promises, lowered where even an unloaded replica of the baseline misses them.

    A level whose limit is too tight for the incumbent at no load is owed what the incumbent reaches at no load, less
    one point: every design must serve as large a share of each level as the incumbent could.
    """
    unloaded = replay(demand, replica, replicas_count=_plenty(demand), scheduler=scheduler)
    best = promises.attainment(unloaded.is_met)
    return Promises(
        level=promises.level,
        levels=promises.levels,
        target_ratio=np.minimum(promises.target_ratio, np.maximum(best - 0.01, 0.0)),
        calls_count=promises.calls_count,
    )


def smallest_fleet(
    demand: ReplayDemand,
    replica: Replica,
    promises: Promises,
    *,
    scheduler: Scheduler,
    guess: float,
    serve: Callable[..., ReplayResult] = replay,
) -> Fleet:
    """The fewest replicas that keep every promise.

    Args:
        demand: Calls of one LLM.
        replica: One replica.
        promises: Attainment owed by service level.
        scheduler: Engine settings.
        guess: Where to look first, from the closed form.
        serve: The replay; tests pass their own.

    Raises:
        NoFleet: Even `MOST_REPLICAS` do not keep the promises.
    """
    tried: dict[int, tuple[float, ReplayResult]] = {}

    def margin(count: int) -> float:
        if count not in tried:
            result = serve(demand, replica, replicas_count=count, scheduler=scheduler)
            tried[count] = (promises.margin(result.is_met), result)
        return tried[count][0]

    enough = _first_enough(margin, max(1, round(guess)))
    too_few, enough = _bracket(margin, enough)
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        if margin(middle) >= 0.0:
            enough = middle
        else:
            too_few = middle
    needed = _crossing(too_few, margin(too_few) if too_few else -1.0, enough, margin(enough))
    return Fleet(
        replicas_count=enough,
        replicas_needed=needed,
        chips_count=needed * replica.chips_count,
        result=tried[enough][1],
    )


def _first_enough(margin: Callable[[int], float], guess: int) -> int:
    count = guess
    while margin(count) < 0.0:
        if count >= MOST_REPLICAS:
            raise NoFleet(
                f"{MOST_REPLICAS} replicas do not keep the promises (worst level {margin(count):+.3f} of its target); "
                "the design is too slow for the limits, or the limits are out of reach"
            )
        count = min(MOST_REPLICAS, max(count + 1, round(count * 1.25)))
    return count


def _bracket(margin: Callable[[int], float], enough: int) -> tuple[int, int]:
    """A fleet that is too small (0 always is) and one that is enough, by growing steps down from `enough`."""
    step = max(1, enough // 8)
    few = max(0, enough - step)
    while few > 0 and margin(few) >= 0.0:
        enough, step = few, 2 * step
        few = max(0, few - step)
    return few, enough


def _crossing(few: int, few_margin: float, enough: int, enough_margin: float) -> float:
    """Where a straight line between the two margins is zero."""
    if enough_margin <= few_margin:
        return float(enough)
    return few + (enough - few) * min(1.0, -few_margin / (enough_margin - few_margin))


def _plenty(demand: ReplayDemand) -> int:
    """Replicas for a replay without queues: one for every ten sessions, at least 32."""
    return int(min(512, max(32, demand.session.max() // 10)))
