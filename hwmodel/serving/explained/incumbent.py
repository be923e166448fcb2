"""The declared incumbent: which chip is said to serve which LLM at which width, and a replay of calls on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, log

import polars as pl

from hwmodel.catalog import Catalog, ChipDesign, Deployment, DesignTable, LlmSpec
from hwmodel.serving.demand import ReplayDemand, replay_demand, scale_sessions, thin_sessions
from hwmodel.serving.errors import BadSettings
from hwmodel.serving.explained.calls import Served, replayed_calls
from hwmodel.serving.replay import ReplayResult, Replica, Scheduler, replay
from hwmodel.serving.step_timer import StepTimer
from hwmodel.serving.tables import step_cost_tables

MOST_CALLS_COUNT = 200_000
"""Calls of a pool that are replayed at most; of a longer demand some sessions are taken, on as many fewer replicas."""
MOST_COPIES_COUNT = 4
"""Copies of the sessions that a fraction of a replica may take; more where less than a quarter of one is asked for."""
COPY_JITTER_S = 600.0
"""Added sessions start up to this much later than the ones they copy. Assumed: the pattern of hours stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredIncumbent:
    """What is said to have served the telemetry. How many replicas did, and how fast their host was, is not known."""

    design: ChipDesign
    tp_by_llm: Mapping[str, int]
    """Tensor-parallel ranks of a replica of each LLM."""
    scheduler: Scheduler = field(default_factory=Scheduler)

    def replica(self, llm: LlmSpec, *, host_step_s: float) -> Replica:
        """One replica whose host takes this long per step.

        Raises:
            DoesNotFit: The LLM does not fit at its width.
        """
        timer = StepTimer(
            designs=DesignTable.of([self.design]),
            llm=llm,
            deployment=Deployment(tp_count=self.tp_by_llm[llm.id]),
            host_step_s=host_step_s,
        )
        return step_cost_tables(timer, scheduler=self.scheduler).replica(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDemand:
    """The calls of one LLM as they were asked for, each once."""

    llm: LlmSpec
    demand: ReplayDemand
    first_at: datetime
    """Origin of the replay's clock."""
    share_ratio: float
    """Share of the sessions that `demand` holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReplay:
    """A pool's demand, as often as its replicas called for, and its replay."""

    pool: PoolDemand
    demand: ReplayDemand
    result: ReplayResult

    @property
    def served(self) -> Served:
        """The scored calls with their times."""
        return replayed_calls(self.demand, self.result, llm=self.pool.llm.id, first_at=self.pool.first_at)


def pools_of(
    demand: pl.DataFrame,
    policy: pl.DataFrame,
    catalog: Catalog,
    *,
    scored_from: datetime | None = None,
    most_calls_count: int = MOST_CALLS_COUNT,
) -> list[PoolDemand]:
    """One pool per LLM of a demand, without the calls beyond its context.

    Args:
        demand: Valid under `DemandCalls`; weights are ignored, since telemetry knows each call once.
        policy: Valid under `ServingPolicy`.
        catalog: Where LLMs are looked up.
        scored_from: Calls before only fill replicas and caches.
        most_calls_count: Of one pool.
    """
    pools = []
    for llm_id in sorted(demand["llm"].unique().to_list()):
        llm = catalog.llm(llm_id)
        calls = demand.filter(
            pl.col("llm") == llm_id, pl.col("input_tokens") + pl.col("output_tokens") <= llm.context_tokens
        )
        if calls.is_empty():
            continue
        first_at = calls["requested_at"].min()
        assert isinstance(first_at, datetime)  # noqa: S101 - the contract's type, not an input
        lead_in_s = 0.0 if scored_from is None else max((scored_from - first_at).total_seconds(), 0.0)
        once = calls.with_columns(weight_ratio=pl.lit(1.0))
        whole = replay_demand(once, policy, scored_from_s=lead_in_s)
        share = min(1.0, most_calls_count / len(whole))
        kept = whole if share == 1.0 else thin_sessions(whole, share)
        pools.append(PoolDemand(llm=llm, demand=kept, first_at=first_at, share_ratio=share))
    return pools


def cell_of(replicas_ratio: float) -> tuple[int, int]:
    """Whole replicas, and how often the sessions are there, that come nearest to a number of replicas per traffic.

    Raises:
        BadSettings: The number is not above 0.
    """
    if not replicas_ratio > 0.0:
        raise BadSettings(f"{replicas_ratio} replicas per traffic; give a number above 0")
    most = min(max(MOST_COPIES_COUNT, ceil(1.0 / replicas_ratio)), 16 * MOST_COPIES_COUNT)
    cells = [(max(1, round(replicas_ratio * copies)), copies) for copies in range(1, most + 1)]
    return min(cells, key=lambda cell: (round(abs(log(cell[0] / cell[1] / replicas_ratio)), 9), cell[1]))


def replay_pool(
    incumbent: DeclaredIncumbent, pool: PoolDemand, *, replicas_ratio: float, host_step_s: float, seed: int = 0
) -> PoolReplay:
    """Serve a pool's calls on some replicas of the incumbent.

    Args:
        incumbent: The declared one.
        pool: What to serve.
        replicas_ratio: Replicas per traffic of `pool.demand`, as near as `cell_of` gets. Below 1 the telemetry is a
            sample of what a replica serves: sessions are added, never squeezed, until one replica has that many
            times the traffic.
        host_step_s: Time per step that the chip waits for the host.
        seed: Of the added sessions' starts.
    """
    replicas, copies = cell_of(replicas_ratio)
    demand = pool.demand
    if copies > 1:
        demand = scale_sessions(demand, float(copies), jitter_s=COPY_JITTER_S, seed=seed)
    result = replay(
        demand,
        incumbent.replica(pool.llm, host_step_s=host_step_s),
        replicas_count=replicas,
        scheduler=incumbent.scheduler,
    )
    return PoolReplay(pool=pool, demand=demand, result=result)
