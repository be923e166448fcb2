"""The smallest fleet that keeps the promises: replicas found by bisection over whole replays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from hwmodel.serving.demand import ReplayDemand, thin_sessions
from hwmodel.serving.errors import EmptyDemand, NoFleet
from hwmodel.serving.replay import ReplayResult, Replica, Scheduler, replay
from warehouse.contracts import SERVICE_TIERS, SURFACES

FEWEST_CALLS = 20
"""A surface and tier with fewer scored calls than this does not size the fleet: its attainment is noise."""
MOST_OVER_GUESS = 6
SHARE_ROUNDS = 2
"""Halvings of the load between two fleets: a quarter of a replica, then a straight line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """Attainment owed to each service level (`surface * tiers + tier`) that sizes the fleet."""

    levels: Int[np.ndarray, "levels"]
    target_ratio: Float[np.ndarray, "levels"]

    def kept_for(self, other: "Promises") -> "Promises":
        """The other's levels at these targets where these are lower: what was out of reach stays so."""
        lowered = dict(zip(self.levels.tolist(), self.target_ratio.tolist(), strict=True))
        wanted = zip(other.levels.tolist(), other.target_ratio.tolist(), strict=True)
        return replace(other, target_ratio=np.array([min(target, lowered.get(at, target)) for at, target in wanted]))

    def attainment(self, demand: ReplayDemand, is_met: Bool[np.ndarray, "calls"]) -> Float[np.ndarray, "levels"]:
        """Share of each level's scored calls inside both limits; calls never served count as missed."""
        level, scored = _level(demand), demand.is_scored
        counts = np.bincount(level[scored], minlength=_LEVELS)[self.levels]
        met = np.bincount(level[scored], weights=is_met[scored], minlength=_LEVELS)[self.levels]
        return np.where(counts > 0, met / np.maximum(counts, 1), 1.0)

    def margin(self, demand: ReplayDemand, is_met: Bool[np.ndarray, "calls"]) -> float:
        """Attainment over target of the level that is worst off; not negative where all promises are kept."""
        return float((self.attainment(demand, is_met) - self.target_ratio).min())


_LEVELS = len(SURFACES) * len(SERVICE_TIERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Replicas of one LLM that keep the promises, and their replay."""

    replicas_count: int
    replicas_needed: float
    """Replicas per unit of traffic where the margin is zero, found between this fleet and the next smaller one by
    taking sessions away; designs are compared by it."""
    chips_count: float
    """replicas_needed x chips per replica."""
    result: ReplayResult


def promises_of(demand: ReplayDemand) -> Promises:
    """What the demand's service levels are owed, as the policy states it.

    Raises:
        EmptyDemand: No call is scored.
    """
    if not demand.is_scored.any():
        raise EmptyDemand("no call is scored, so nothing sizes a fleet; shorten the lead-in or take a longer window")
    level = np.where(demand.is_scored, _level(demand), -1)
    counts = np.bincount(level[level >= 0], minlength=_LEVELS)
    sizing = np.flatnonzero(counts >= min(FEWEST_CALLS, counts.max()))
    target = np.array([demand.attainment_target_ratio[level == at].max() for at in sizing])
    return Promises(levels=sizing, target_ratio=target)


def reachable(
    promises: Promises, demand: ReplayDemand, replica: Replica, *, replicas_count: int, scheduler: Scheduler
) -> Promises:
    """The promises, lowered where even a hardly loaded fleet of the baseline misses them.

    A level whose limit is too tight for the incumbent is owed what the incumbent reaches on `replicas_count` replicas
    (many times what the closed form asks for), less one point: every design must serve as large a share of each level
    as the incumbent could.
    """
    unloaded = replay(demand, replica, replicas_count=replicas_count, scheduler=scheduler)
    best = promises.attainment(demand, unloaded.is_met)
    return replace(promises, target_ratio=np.minimum(promises.target_ratio, np.maximum(best - 0.01, 0.0)))


def smallest_fleet(
    demand: ReplayDemand,
    replica: Replica,
    promises: Promises,
    *,
    scheduler: Scheduler,
    guess: float,
    share_rounds: int = SHARE_ROUNDS,
    serve: Callable[..., ReplayResult] = replay,
) -> Fleet:
    """The fewest replicas that keep every promise.

    Args:
        demand: Calls of one LLM.
        replica: One replica.
        promises: Attainment owed by service level.
        scheduler: Engine settings.
        guess: Where to look first, from the closed form.
        share_rounds: How finely the need is told between two fleets; 0 rounds up.
        serve: The replay; tests pass their own.

    Raises:
        NoFleet: Many times the guess do not keep the promises.
    """
    tried: dict[int, tuple[float, ReplayResult]] = {}

    def margin(count: int) -> float:
        if count not in tried:
            result = serve(demand, replica, replicas_count=count, scheduler=scheduler)
            tried[count] = (promises.margin(demand, result.is_met), result)
        return tried[count][0]

    def margin_at(share: float, count: int) -> float:
        part = thin_sessions(demand, share)
        return promises.margin(part, serve(part, replica, replicas_count=count, scheduler=scheduler).is_met)

    too_few, enough = _bracket(margin, _first_enough(margin, max(1, round(guess))))
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        if margin(middle) >= 0.0:
            enough = middle
        else:
            too_few = middle
    needed = float(enough)
    if too_few > 0 and share_rounds > 0:
        known = {too_few / enough: margin(enough), 1.0: margin(too_few)}
        needed = too_few / _largest_share(lambda share: margin_at(share, too_few), known, share_rounds)
    return Fleet(
        replicas_count=enough,
        replicas_needed=needed,
        chips_count=needed * replica.chips_count,
        result=tried[enough][1],
    )


def _largest_share(margin_at: Callable[[float], float], known: Mapping[float, float], rounds: int) -> float:
    """The largest share of the sessions that is served within the promises, between two shares of known margin.

    At the lower one a replica carries what it carries in the fleet that is enough, so it has that fleet's margin.
    """
    (low, low_margin), (high, high_margin) = sorted(known.items())
    for _ in range(rounds):
        middle = (low + high) / 2.0
        margin = margin_at(middle)
        if margin >= 0.0:
            low, low_margin = middle, margin
        else:
            high, high_margin = middle, margin
    return low + (high - low) * low_margin / max(low_margin - high_margin, 1e-12)


def _first_enough(margin: Callable[[int], float], guess: int) -> int:
    count, most = guess, MOST_OVER_GUESS * guess
    while margin(count) < 0.0:
        if count >= most:
            raise NoFleet(
                f"{count} replicas, {MOST_OVER_GUESS} times what the closed form asks for, still miss a promise by "
                f"{-margin(count):.1%}; the design is too slow for the limits, or the limits are out of reach"
            )
        count = min(most, max(count + 1, round(count * 1.3)))
    return count


def _bracket(margin: Callable[[int], float], enough: int) -> tuple[int, int]:
    """A fleet that is too small (0 always is) and one that is enough, by growing steps down from `enough`."""
    step = max(1, enough // 8)
    few = max(0, enough - step)
    while few > 0 and margin(few) >= 0.0:
        enough, step = few, 2 * step
        few = max(0, few - step)
    return few, enough


def _level(demand: ReplayDemand) -> Int[np.ndarray, "calls"]:
    return demand.surface * len(SERVICE_TIERS) + demand.tier
