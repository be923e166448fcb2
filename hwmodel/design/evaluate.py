"""Level 2: a design's fleet, value and service for a scenario, by replay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from joblib import Parallel, delayed

from hwmodel.catalog import ChipDesign, Deployment, DesignTable
from hwmodel.design.closed_form import TP_COUNTS, ClosedFormFleet, closed_form_fleet, require_deployment
from hwmodel.design.errors import NoDeployment
from hwmodel.design.patience import AbandonmentModel
from hwmodel.design.pool import Pool
from hwmodel.design.scenario import Scenario
from hwmodel.physical import Tco, tco
from hwmodel.serving import (
    Fleet,
    NoFleet,
    ReplayResult,
    Replica,
    StepTimer,
    smallest_fleet,
    step_cost_tables,
)
from hwmodel.serving.speculative.drafter import head_of
from hwmodel.serving.speculative.tables import speculative_tables
from warehouse.contracts import SURFACES

S_PER_H = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolEvaluation:
    """One LLM's part of an evaluation, at the traffic of the whole fleet."""

    pool: Pool
    deployment: Deployment
    fleet: Fleet
    """Of the cell."""
    replicas_needed: float
    chips_needed: float
    utilisation_ratio: float
    """Busy time over time, replicas of the cell."""
    value_by_surface: Float[np.ndarray, "surfaces"]
    """USD per hour of calls inside their limits, paid for, in sessions that were not left."""
    latency_s_per_h: float
    """Time to last token that users waited, per hour."""
    late_ratio: float
    """Share of scored calls outside their limits, rejected or never done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A design and a scenario: fleet, cost, power, and what it serves. Curves divide value by what it takes."""

    design: ChipDesign
    scenario: str
    pools: tuple[PoolEvaluation, ...]
    usd_per_chip_h: float
    all_in_w: float
    """Utility power of one chip."""
    chips_per_rack: float
    value_by_surface: Float[np.ndarray, "surfaces"] = field(init=False)
    chips_needed: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "value_by_surface", sum(p.value_by_surface for p in self.pools))
        object.__setattr__(self, "chips_needed", sum(p.chips_needed for p in self.pools))

    @property
    def value_usd_per_h(self) -> float:
        """Value served per hour."""
        return float(self.value_by_surface.sum())

    @property
    def tco_usd_per_h(self) -> float:
        """Cost of the fleet per hour."""
        return self.chips_needed * self.usd_per_chip_h

    @property
    def power_w(self) -> float:
        """Utility power of the fleet."""
        return self.chips_needed * self.all_in_w

    def guesses(self) -> dict[str, float]:
        """Replayed over closed-form replicas by LLM, to start like searches near their end."""
        table = DesignTable.of([self.design])
        found = {}
        for part in self.pools:
            closed = closed_form_fleet(table, part.pool)
            width = closed.replicas_by_tp[TP_COUNTS.index(part.deployment.tp_count), 0]
            found[part.pool.llm.id] = part.fleet.replicas_needed / float(width)
        return found

    @property
    def racks_count(self) -> float:
        """Racks of the fleet."""
        return self.chips_needed / self.chips_per_rack

    @property
    def latency_s_per_h(self) -> float:
        """Seconds to last token that users waited, per hour."""
        return sum(p.latency_s_per_h for p in self.pools)

    @property
    def curves(self) -> dict[str, float]:
        """Value over dollars, all-in joules, rack-hours and seconds of accepted latency; never one product."""
        value = self.value_usd_per_h
        return {
            "value_per_usd_ratio": value / self.tco_usd_per_h,
            "value_usd_per_j": value / (self.power_w * S_PER_H),
            "value_usd_per_rack_h": value / self.racks_count,
            "value_usd_per_latency_s": value / self.latency_s_per_h if self.latency_s_per_h else 0.0,
        }

    @property
    def late_ratio(self) -> float:
        """Share of calls late, rejected or never done, by calls."""
        weights = [p.pool.traffic_ratio * p.pool.demand.is_scored.sum() for p in self.pools]
        return float(np.average([p.late_ratio for p in self.pools], weights=weights))

    def percentile(self, name: str, q: float) -> float:
        """Percentile of a per-call time of the replay (`ttft_s`, `tpot_s`), pools weighted by their traffic."""
        values = np.concatenate([getattr(p.fleet.result, name)[p.pool.demand.is_scored] for p in self.pools])
        weights = np.concatenate(
            [np.full(int(p.pool.demand.is_scored.sum()), p.pool.traffic_ratio) for p in self.pools]
        )
        known = np.isfinite(values)
        if not known.any():
            return float("inf")
        order = np.argsort(values[known])
        cumulative = np.cumsum(weights[known][order])
        return float(values[known][order][np.searchsorted(cumulative, q / 100.0 * cumulative[-1])])


def evaluate(design: ChipDesign, scenario: Scenario) -> Evaluation:
    """Size the design's fleet for every pool by replay and add up what it serves.

    Args:
        design: A legal design, TDP rated.
        scenario: The demand.

    Raises:
        NoDeployment: An LLM does not fit.
        NoFleet: The promises are out of reach.
    """
    return _evaluated(_Prepared.of([design], scenario), 0)


def evaluate_many(
    designs: Sequence[ChipDesign], scenario: Scenario, *, workers_count: int = 2
) -> list[Evaluation | None]:
    """Evaluate designs side by side; None for those that cannot keep the promises with any fleet."""
    found = dict(evaluate_each(designs, scenario, workers_count=workers_count))
    return [found[at] for at in range(len(designs))]


def evaluate_each(
    designs: Sequence[ChipDesign], scenario: Scenario, *, workers_count: int = 2
) -> Iterator[tuple[int, Evaluation | None]]:
    """Evaluate designs side by side, each told with its place as soon as it is done.

    The replay loop lets go of the interpreter lock, so threads do. Closed form and step-time tables of all designs are
    made at once: hundreds of designs take hundreds of megabytes.
    """
    if designs:
        prepared = _Prepared.of(designs, scenario)
        run = Parallel(n_jobs=workers_count, prefer="threads", return_as="generator_unordered")
        yield from run(delayed(_evaluated_if_able)(prepared, row) for row in range(len(designs)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """Designs with what their replays need."""

    scenario: Scenario
    designs: Sequence[ChipDesign]
    table: DesignTable
    cost: Tco
    closed: tuple[ClosedFormFleet, ...]
    """By pool."""
    replicas: tuple[dict[tuple[int, int], Replica], ...]
    """By pool: replicas by design and tensor-parallel width, of the widths worth a replay."""

    @classmethod
    def of(cls, designs: Sequence[ChipDesign], scenario: Scenario) -> "_Prepared":
        table = DesignTable.of(designs)
        closed = tuple(closed_form_fleet(table, pool) for pool in scenario.pools)
        pairs = zip(scenario.pools, closed, strict=True)
        replicas = tuple(_replicas(table, pool, fleet) for pool, fleet in pairs)
        return cls(scenario=scenario, designs=designs, table=table, cost=tco(table), closed=closed, replicas=replicas)


def _replicas(table: DesignTable, pool: Pool, closed: ClosedFormFleet) -> dict[tuple[int, int], Replica]:
    able = np.flatnonzero(np.isfinite(closed.chips_needed)).tolist()
    wanted = {row: {tp for tp, _ in closed.near_best(row, pool.widths_count)} for row in able}
    found = {}
    for tp_count in TP_COUNTS:
        rows = [row for row in able if tp_count in wanted[row]]
        if rows:
            deployment = pool.at_width(tp_count)
            timer = StepTimer(designs=table.take(np.array(rows)), llm=pool.llm, deployment=deployment)
            found.update({(row, tp_count): replica for row, replica in zip(rows, _timed(timer, pool), strict=True)})
    return found


def _timed(timer: StepTimer, pool: Pool) -> list[Replica]:
    """A replica of each design of a timer."""
    designs = range(len(timer.designs))
    if pool.speculation is None:
        plain = step_cost_tables(timer, scheduler=pool.scheduler)
        return [plain.replica(at) for at in designs]
    drafted = speculative_tables(
        timer,
        scheduler=pool.scheduler,
        drafts_count=pool.speculation.tokens_count,
        drafter=head_of(pool.llm),
    )
    return [drafted.replica(at, pool.speculation) for at in designs]


def _evaluated_if_able(prepared: _Prepared, row: int) -> tuple[int, Evaluation | None]:
    try:
        return row, _evaluated(prepared, row)
    except (NoFleet, NoDeployment):
        return row, None


def _evaluated(prepared: _Prepared, row: int) -> Evaluation:
    cost = prepared.cost
    return Evaluation(
        design=prepared.designs[row],
        scenario=prepared.scenario.name,
        pools=tuple(_evaluated_pool(prepared, number, row) for number in range(len(prepared.scenario.pools))),
        usd_per_chip_h=float(cost.typical_usd_per_chip_h[row]),
        all_in_w=float(cost.all_in_w[row]),
        chips_per_rack=float(cost.chips_per_rack_count[row]),
    )


def _evaluated_pool(prepared: _Prepared, number: int, row: int) -> PoolEvaluation:
    pool, closed = prepared.scenario.pools[number], prepared.closed[number]
    require_deployment(closed, prepared.table, pool, row)
    replicas = prepared.replicas[number]
    fleets = [
        (pool.at_width(tp_count), _fleet(pool, replicas[row, tp_count], guess))
        for tp_count, guess in closed.near_best(row, pool.widths_count)
    ]
    able = [(deployment, fleet) for deployment, fleet in fleets if fleet is not None]
    if not able:
        name = prepared.table.name[row]
        raise NoFleet(f"{name} cannot keep the promises of {pool.llm.id} at any width that was tried")
    deployment, fleet = min(able, key=lambda pair: pair[1].chips_count)
    result, scored = fleet.result, pool.demand.is_scored
    per_hour = pool.traffic_ratio * S_PER_H / pool.window_s
    return PoolEvaluation(
        pool=pool,
        deployment=deployment,
        fleet=fleet,
        replicas_needed=fleet.replicas_needed * pool.traffic_ratio,
        chips_needed=fleet.chips_count * pool.traffic_ratio,
        utilisation_ratio=_utilisation(fleet),
        value_by_surface=served_value(pool, result, prepared.scenario.abandonment),
        latency_s_per_h=float(np.nansum(result.duration_s[scored])) * per_hour,
        late_ratio=float(1.0 - result.is_met[scored].mean()),
    )


def served_value(pool: Pool, result: ReplayResult, abandonment: AbandonmentModel) -> Float[np.ndarray, "surfaces"]:
    """USD per hour of a pool's scored calls: value x output x [inside limits] x [session still there] x [paid]."""
    demand, scored = pool.demand, pool.demand.is_scored
    stays = abandonment.stays(demand.surface, demand.session, result.requested_s, result.ttft_s)
    worth = demand.value_usd_per_token * demand.output_tokens * stays * result.is_met
    by_surface = np.bincount(demand.surface[scored], weights=worth[scored], minlength=len(SURFACES))
    return by_surface * pool.traffic_ratio * S_PER_H / pool.window_s


def _fleet(pool: Pool, replica: Replica, replicas: float) -> Fleet | None:
    guess = replicas * pool.guess_ratio
    try:
        return smallest_fleet(pool.demand, replica, pool.promises, scheduler=pool.scheduler, guess=guess)
    except NoFleet:
        return None


def _utilisation(fleet: Fleet) -> float:
    busy = fleet.result.busy_s / (fleet.result.replicas_count * max(fleet.result.span_s, 1e-9))
    return float(min(busy, 1.0))
