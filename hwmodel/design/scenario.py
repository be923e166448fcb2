"""A scenario: the demand of a peak window, cut into pools, with what users will bear."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil

import numpy as np
import polars as pl

from hwmodel.catalog import Catalog, ChipDesign, DesignTable, LlmSpec
from hwmodel.design.closed_form import closed_form_fleet, require_deployment
from hwmodel.design.patience import AbandonmentModel
from hwmodel.design.pool import Pool, pool_load
from hwmodel.serving import (
    EmptyDemand,
    ReplayDemand,
    Scheduler,
    StepTimer,
    promises_of,
    reachable,
    replay_demand,
    scale_sessions,
    smallest_fleet,
    step_cost_tables,
)

DEFAULT_SCHEDULER = Scheduler()
CLONE_JITTER_S = 30.0
"""Added sessions start up to this much later than the ones they copy: the window's shape stays."""
LEAST_REPLICAS = 2.0
"""Replicas of the smallest cell: an LLM that hardly costs anything is still replayed."""
MOST_CALLS_COUNT = 250_000
"""Calls that a cell is sized to at most: a cell of very short calls is made smaller. Assumed: beyond, a search takes
hours and many gigabytes."""
UNLOADED_RATIO = 2.5
"""Replicas over the cell's at which the baseline is called hardly loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSize:
    """How much of the traffic a replay serves, and for how long."""

    window_s: float
    lead_in_s: float
    """Calls before the window fill replicas and caches, and are not scored."""
    replicas_count: float
    """Replicas that the baseline should need, all LLMs' cells together; each LLM gets them by its share of the fleet,
    at least `LEAST_REPLICAS`: where the money is, the replay is finest."""
    widths_count: int
    """Tensor-parallel widths of each LLM that are tried by replay."""
    most_calls_count: int = MOST_CALLS_COUNT
    """Calls of all LLMs' cells together, lead-in included; each LLM gets them by its share of the fleet."""
    stratified: bool = False
    """Whether surfaces and tiers are there in their own shares to a session, and not only on average."""


SEARCH_CELL = CellSize(
    window_s=600.0,
    lead_in_s=120.0,
    replicas_count=11.0,
    widths_count=2,
    most_calls_count=20_000,
    stratified=True,
)
FULL_CELL = CellSize(window_s=600.0, lead_in_s=180.0, replicas_count=14.0, widths_count=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What every design must serve."""

    name: str
    baseline: ChipDesign
    pools: tuple[Pool, ...]
    abandonment: AbandonmentModel


def guessing(scenario: Scenario, ratios: Mapping[str, float]) -> Scenario:
    """The same scenario, fleets looked for where an evaluation of it found them."""
    pools = tuple(replace(p, guess_ratio=ratios.get(p.llm.id, p.guess_ratio)) for p in scenario.pools)
    return replace(scenario, pools=pools)


def scenario_of(
    demand: pl.DataFrame,
    policy: pl.DataFrame,
    *,
    name: str,
    baseline: ChipDesign,
    catalog: Catalog,
    abandonment: AbandonmentModel,
    window_start: datetime,
    cell: CellSize,
    traffic_ratio: float,
    seed: int,
    scheduler: Scheduler = DEFAULT_SCHEDULER,
) -> Scenario:
    """Cut a demand into one pool per LLM and scale each to its cell.

    Args:
        demand: Valid under `DemandCalls`; may hold more than the window. Weights become sessions: see
            `scale_sessions`.
        policy: Valid under `ServingPolicy`.
        name: Of the scenario.
        baseline: The incumbent, which sets the size of the cells and the promises within reach.
        catalog: Where LLMs are looked up.
        abandonment: How likely users leave after a wait.
        window_start: When the scored window begins.
        cell: Size of the replay.
        traffic_ratio: Traffic of the fleet over that of the telemetry (telemetry may be a sample).
        seed: Of the added sessions.
        scheduler: Engine settings.

    Raises:
        EmptyDemand: No call in the window.
        NoDeployment: The baseline cannot run one of the LLMs.
    """
    lead_in, window = timedelta(seconds=cell.lead_in_s), timedelta(seconds=cell.window_s)
    calls = demand.filter(
        pl.col("requested_at").is_between(window_start - lead_in, window_start + window, closed="left"),
        pl.col("weight_ratio") > 0.0,
    )
    if calls.is_empty():
        raise EmptyDemand(f"scenario {name}: no calls within {cell.window_s:.0f} s from {window_start:%Y-%m-%d %H:%M}")
    found = (
        _pool(calls.filter(llm=llm_id), policy, catalog.llm(llm_id), window_start, cell.window_s)
        for llm_id in sorted(calls["llm"].unique().to_list())
    )
    whole = [replace(pool, scheduler=scheduler, widths_count=cell.widths_count) for pool in found if pool is not None]
    if not whole:
        raise EmptyDemand(f"scenario {name}: every call is beyond the context of its LLM; name another LLM")
    sizes = _cell_sizes(whole, baseline, cell)
    pools = tuple(
        _in_cell(p, baseline, size, traffic_ratio, seed, most=cell.most_calls_count * size / sum(sizes), cell=cell)
        for p, size in zip(whole, sizes, strict=True)
    )
    return Scenario(name=name, baseline=baseline, pools=pools, abandonment=abandonment)


def _cell_sizes(pools: Sequence[Pool], baseline: ChipDesign, cell: CellSize) -> list[float]:
    """Replicas of each pool's cell, by its share of the baseline's chips."""
    table = DesignTable.of([baseline])
    fleets = [closed_form_fleet(table, pool) for pool in pools]
    for fleet, pool in zip(fleets, pools, strict=True):
        require_deployment(fleet, table, pool)
    chips = np.array([float(fleet.chips_needed[0]) for fleet in fleets])
    return np.maximum(cell.replicas_count * chips / chips.sum(), LEAST_REPLICAS).tolist()


def _pool(
    calls: pl.DataFrame, policy: pl.DataFrame, llm: LlmSpec, window_start: datetime, window_s: float
) -> Pool | None:
    """The servable calls of one LLM, unscaled; None where every call is beyond its context."""
    servable = calls.filter(pl.col("input_tokens") + pl.col("output_tokens") <= llm.context_tokens)
    if servable.is_empty():
        return None
    before_s = servable.select(
        (pl.lit(window_start) - pl.col("requested_at").min()).dt.total_microseconds() / 1e6
    ).item()
    demand = replay_demand(servable, policy, scored_from_s=max(before_s, 0.0))
    if not demand.is_scored.any():
        demand = replace(demand, is_scored=np.ones(len(demand), dtype=bool))
    return Pool(
        llm=llm,
        demand=demand,
        promises=promises_of(demand),
        load=pool_load(demand, window_s),
        window_s=window_s,
        traffic_ratio=1.0,
        scheduler=DEFAULT_SCHEDULER,
        unservable_count=len(calls) - len(servable),
    )


def _in_cell(
    pool: Pool, baseline: ChipDesign, size: float, traffic_ratio: float, seed: int, *, most: float, cell: CellSize
) -> Pool:
    """Add or leave out sessions until the baseline needs the cell's replicas; fix what it can promise.

    The closed form sizes a first cell; one replayed sizing of it tells by how much to correct. No cell holds more than
    `most` calls, so one of very short calls is smaller than asked.
    """
    table = DesignTable.of([baseline])
    closed = closed_form_fleet(table, pool)
    timer = StepTimer(designs=table, llm=pool.llm, deployment=pool.at_width(int(closed.tp_count[0])))
    replica = step_cost_tables(timer, scheduler=pool.scheduler).replica(0)
    largest = most / float(pool.demand.weight_ratio.sum())
    factor = min(size / float(closed.replicas_needed[0]), largest)

    def scaled(times: float) -> ReplayDemand:
        return scale_sessions(pool.demand, times, jitter_s=CLONE_JITTER_S, seed=seed, stratified=cell.stratified)

    first = scaled(factor)
    plenty = ceil(UNLOADED_RATIO * size)
    owed = reachable(promises_of(first), first, replica, replicas_count=plenty, scheduler=pool.scheduler)
    sized = smallest_fleet(first, replica, owed, scheduler=pool.scheduler, guess=size, share_rounds=0)
    correction = size / sized.replicas_needed
    demand = scaled(min(factor * correction, largest))
    return replace(
        pool,
        demand=demand,
        promises=owed.kept_for(promises_of(demand)),
        load=pool_load(demand, pool.window_s),
        traffic_ratio=traffic_ratio * _calls(pool.demand) / _calls(demand),
        guess_ratio=1.0 / correction,
    )


def _calls(demand: ReplayDemand) -> float:
    """Scored calls, each as often as its weight says."""
    return float(demand.weight_ratio[demand.is_scored].sum())
