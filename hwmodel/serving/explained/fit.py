"""The two things about an incumbent that telemetry may tell: replicas of each pool, and one host overhead."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from hwmodel.serving.errors import NoFleet
from hwmodel.serving.explained.incumbent import DeclaredIncumbent, PoolDemand, replay_pool
from hwmodel.serving.explained.shape import cells_of, likeness

REPLICAS_LADDER: tuple[float, ...] = (
    1 / 16, 1 / 12, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0
)  # fmt: skip
"""Replicas per traffic that are tried: steps of about 1.4 where replicas can be counted."""
HOST_LADDER_S: tuple[float, ...] = (0.0, 0.0005, 0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.012, 0.016, 0.024)
"""Host overheads that are tried. Assumed: from none to ten times what Vidur measured on A100 with a small batch."""
MOST_UNSERVED_RATIO = 0.01
"""A fleet that leaves more of the calls without a token by the end is no candidate: they were served."""
FIRST_REPLICAS, FIRST_HOST_S = 1.0, 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedService:
    """What was fitted, by likeness of shape alone: no absolute time enters."""

    replicas_by_llm: Mapping[str, float]
    """Replicas per traffic of the telemetry; below 1 where it is a sample of what one replica serves."""
    host_step_s: float
    distance_ratio: float
    """Of the shapes on the days of the fit."""
    replays_count: int


@dataclass(slots=True, kw_only=True)
class _Trials:
    """Cells of the replays made so far."""

    incumbent: DeclaredIncumbent
    pools: Mapping[str, PoolDemand]
    observed: pl.DataFrame
    seed: int
    cells: dict[tuple[str, float, float], pl.DataFrame | None] = field(default_factory=dict)

    def of_pool(self, llm: str, replicas_ratio: float, host_step_s: float) -> pl.DataFrame | None:
        """Cells of a pool's replay; None where too many calls were left waiting."""
        key = (llm, replicas_ratio, host_step_s)
        if key not in self.cells:
            served = replay_pool(
                self.incumbent,
                self.pools[llm],
                replicas_ratio=replicas_ratio,
                host_step_s=host_step_s,
                seed=self.seed,
            ).served
            self.cells[key] = None if served.unserved_ratio > MOST_UNSERVED_RATIO else cells_of(served.calls)
        return self.cells[key]

    def distance(self, replicas: Mapping[str, float], host_step_s: float) -> float:
        """Distance of the whole service from the telemetry."""
        parts = [self.of_pool(llm, ratio, host_step_s) for llm, ratio in replicas.items()]
        if any(part is None for part in parts):
            return float("inf")
        found = likeness(self.observed, pl.concat([part for part in parts if part is not None]))
        return float("inf") if found is None else found.distance_ratio


def fit_service(
    incumbent: DeclaredIncumbent, pools: Sequence[PoolDemand], observed: pl.DataFrame, *, seed: int = 0
) -> FittedService:
    """Find replicas and host overhead whose replay has the telemetry's shape most nearly.

    Coordinate descent over two ladders: pool by pool, then the host, until nothing gets nearer.

    Args:
        incumbent: The declared one.
        pools: Calls of the days of the fit.
        observed: `TimedCalls` of the same days.
        seed: Of added sessions.

    Raises:
        NoFleet: No number of replicas that was tried serves the calls, or there are too few calls to compare.
    """
    trials = _Trials(
        incumbent=incumbent, pools={pool.llm.id: pool for pool in pools}, observed=cells_of(observed), seed=seed
    )
    now = FittedService(
        replicas_by_llm={llm: _served_from(trials, llm) for llm in trials.pools},
        host_step_s=FIRST_HOST_S,
        distance_ratio=float("inf"),
        replays_count=0,
    )
    now = replace(now, distance_ratio=trials.distance(now.replicas_by_llm, now.host_step_s))
    before = None
    while before != now:
        before = now
        for llm in now.replicas_by_llm:
            now = _nearer(now, REPLICAS_LADDER, now.replicas_by_llm[llm], _with_replicas(trials, llm))
        now = _nearer(now, HOST_LADDER_S, now.host_step_s, _with_host(trials))
    if now.distance_ratio == float("inf"):
        raise NoFleet("too few calls of any surface and length to compare shapes; take more days or more calls")
    return replace(now, replays_count=len(trials.cells))


Change = Callable[[FittedService, float], FittedService]


def _with_replicas(trials: _Trials, llm: str) -> Change:
    def changed(now: FittedService, ratio: float) -> FittedService:
        replicas = {**now.replicas_by_llm, llm: ratio}
        return replace(now, replicas_by_llm=replicas, distance_ratio=trials.distance(replicas, now.host_step_s))

    return changed


def _with_host(trials: _Trials) -> Change:
    def changed(now: FittedService, host_step_s: float) -> FittedService:
        distance = trials.distance(now.replicas_by_llm, host_step_s)
        return replace(now, host_step_s=host_step_s, distance_ratio=distance)

    return changed


def _nearer(now: FittedService, ladder: Sequence[float], start: float, change: Change) -> FittedService:
    """The best of a walk up and a walk down the ladder, each as long as it gets nearer."""
    for step in (1, -1):
        at = ladder.index(start) + step
        while 0 <= at < len(ladder):
            tried = change(now, ladder[at])
            if tried.distance_ratio >= now.distance_ratio:
                break
            now, at = tried, at + step
    return now


def _served_from(trials: _Trials, llm: str) -> float:
    """The first number of replicas, from one upwards, that serves the calls.

    Raises:
        NoFleet: None of the ladder does.
    """
    first = REPLICAS_LADDER.index(FIRST_REPLICAS)
    for ratio in REPLICAS_LADDER[first:]:
        if trials.of_pool(llm, ratio, FIRST_HOST_S) is not None:
            return ratio
    raise NoFleet(
        f"{REPLICAS_LADDER[-1]:.0f} replicas of {llm} leave more than {MOST_UNSERVED_RATIO:.0%} of the calls waiting; "
        "declare a faster incumbent or a wider replica"
    )
