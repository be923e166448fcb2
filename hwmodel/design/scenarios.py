"""The scenarios that a design is judged by: today's peak, what is forecast, each surface and each tier alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil

import numpy as np
from jaxtyping import Float

from hwmodel.catalog import DesignTable
from hwmodel.design.closed_form import closed_form_fleet
from hwmodel.design.errors import NoDeployment
from hwmodel.design.pool import Pool, pool_load
from hwmodel.design.scenario import CLONE_JITTER_S, MOST_CALLS_COUNT, UNLOADED_RATIO, Scenario
from hwmodel.serving import (
    EmptyDemand,
    ReplayDemand,
    StepTimer,
    promises_of,
    reachable,
    scale_sessions,
    step_cost_tables,
)
from warehouse.contracts import SERVICE_TIERS, SURFACES

FEWEST_CALLS = 200
"""Scored calls that a surface or tier needs in the window to be judged alone. Assumed: fewer size a fleet by a handful
of late calls."""


class CaseKind(StrEnum):
    """What a case asks."""

    TODAY = "today"
    FORECAST = "forecast"
    SURFACE = "surface alone"
    TIER = "tier alone"
    WHAT_IF = "what if"


def _ones() -> Float[np.ndarray, "surfaces"]:
    return np.ones(len(SURFACES))


def _all_ones() -> Float[np.ndarray, "surfaces tiers"]:
    return np.ones((len(SURFACES), len(SERVICE_TIERS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """How a scenario differs from today's: sessions and lengths by surface, limits of all."""

    name: str
    kind: CaseKind
    session_ratio: Float[np.ndarray, "surfaces tiers"] = field(default_factory=_all_ones)
    """Sessions over today's; 0 leaves a surface or tier out."""
    input_ratio: Float[np.ndarray, "surfaces"] = field(default_factory=_ones)
    """Length of prompts over today's; what is shared grows alike."""
    output_ratio: Float[np.ndarray, "surfaces"] = field(default_factory=_ones)
    limit_ratio: float = 1.0
    """Limits of time to first token and time per token over the policy's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRow:
    """Scales of one surface under one quantile of the forecast; None where there is none."""

    surface: str
    session_ratio: float | None
    input_ratio: float | None
    output_ratio: float | None


TODAY = Case(name="today", kind=CaseKind.TODAY)


def cases_of(
    today: Scenario, forecasts: Mapping[str, Sequence[ForecastRow]]
) -> tuple[tuple[Case, ...], dict[str, str]]:
    """Every case that the demand can tell, and why the others are left out.

    Args:
        today: The peak window.
        forecasts: Rows by quantile (`p10`, `p50`, `p90`); a surface without numbers stays as it is.

    Returns:
        Cases, today's first; and the reason by name of those that are left out.
    """
    cases, lacking = [TODAY], {}
    for quantile, rows in forecasts.items():
        name = f"forecast {quantile}"
        if any(row.session_ratio is not None for row in rows):
            cases.append(_forecast(name, rows))
        else:
            lacking[name] = "the history is too short for a forecast of any surface"
    counts = _counts(today)
    for at, surface in enumerate(SURFACES):
        alone = np.zeros_like(counts)
        alone[at] = 1.0
        _add(cases, lacking, Case(name=_words(surface), kind=CaseKind.SURFACE, session_ratio=alone), counts)
    for at, tier in enumerate(SERVICE_TIERS):
        alone = np.zeros_like(counts)
        alone[:, at] = 1.0
        _add(cases, lacking, Case(name=f"{_words(tier)} tier", kind=CaseKind.TIER, session_ratio=alone), counts)
    return tuple(cases), lacking


def scenario_under(today: Scenario, case: Case) -> Scenario:
    """Today's scenario as the case has it, for the closed form: calls carry weights and are not yet copied.

    Raises:
        EmptyDemand: The case leaves no call.
    """
    if case.kind is CaseKind.TODAY:
        return today
    pools = tuple(pool for pool in (_pool_under(p, case) for p in today.pools) if pool is not None)
    if not pools:
        raise EmptyDemand(f"case {case.name}: no call of the window is left; leave the case out")
    return replace(today, name=case.name, pools=pools)


def in_cell(
    scenario: Scenario,
    *,
    replicas_count: float,
    seed: int,
    widths_count: int = 2,
    most_calls_count: int = MOST_CALLS_COUNT,
) -> Scenario:
    """A scenario with weights as one that can be replayed: sessions added or left out, promises within reach.

    Args:
        scenario: From `scenario_under`; its pools know how closed form and replay differ (`guess_ratio`).
        replicas_count: Replicas that the baseline should need for each LLM.
        seed: Of the added sessions.
        widths_count: Tensor-parallel widths that are tried by replay.
        most_calls_count: Calls of one LLM's cell; one of very short calls is smaller than asked.

    Raises:
        NoDeployment: The baseline cannot run one of the LLMs.
        EmptyDemand: Not one session is left.
    """
    table = DesignTable.of([scenario.baseline])
    pools = tuple(_cell(pool, table, replicas_count, seed, most_calls_count) for pool in scenario.pools)
    return replace(scenario, pools=tuple(replace(pool, widths_count=widths_count) for pool in pools))


def _forecast(name: str, rows: Sequence[ForecastRow]) -> Case:
    sessions, inputs, outputs = _all_ones(), _ones(), _ones()
    for row in rows:
        at = SURFACES.index(row.surface)
        sessions[at] = 1.0 if row.session_ratio is None else row.session_ratio
        inputs[at] = 1.0 if row.input_ratio is None else row.input_ratio
        outputs[at] = 1.0 if row.output_ratio is None else row.output_ratio
    return Case(name=name, kind=CaseKind.FORECAST, session_ratio=sessions, input_ratio=inputs, output_ratio=outputs)


def _counts(today: Scenario) -> Float[np.ndarray, "surfaces tiers"]:
    counts = np.zeros((len(SURFACES), len(SERVICE_TIERS)))
    for pool in today.pools:
        scored = pool.demand.is_scored
        np.add.at(counts, (pool.demand.surface[scored], pool.demand.tier[scored]), 1.0)
    return counts


def _add(cases: list[Case], lacking: dict[str, str], case: Case, counts: Float[np.ndarray, "surfaces tiers"]) -> None:
    """Take the case in where enough calls are its own, and others are not."""
    own = counts[case.session_ratio > 0.0].sum()
    if own < FEWEST_CALLS:
        lacking[f"{case.name} alone"] = f"{own:.0f} calls of the window are its own, {FEWEST_CALLS} are needed"
    elif own == counts.sum():
        lacking[f"{case.name} alone"] = "every call of the window is its own: that is today"
    else:
        cases.append(case)


def _pool_under(pool: Pool, case: Case) -> Pool | None:
    """The pool with the case's weights, lengths and limits; None where no scored call is left."""
    if not _touches(case, pool.demand):
        return pool
    demand = pool.demand
    weight = demand.weight_ratio * case.session_ratio[demand.surface, demand.tier]
    inputs = _scaled(demand.input_tokens, case.input_ratio[demand.surface], least=1)
    outputs = _scaled(demand.output_tokens, case.output_ratio[demand.surface], least=1)
    shared = np.minimum(_scaled(demand.shared_tokens, case.input_ratio[demand.surface], least=0), inputs)
    fits = inputs + outputs <= pool.llm.context_tokens
    too_long = int(((weight > 0.0) & ~fits).sum())
    weight = np.where(fits, weight, 0.0)
    if weight[demand.is_scored].sum() <= 0.0:
        return None
    changed = replace(
        demand,
        weight_ratio=weight,
        input_tokens=inputs,
        output_tokens=outputs,
        shared_tokens=shared,
        ttft_limit_s=demand.ttft_limit_s * case.limit_ratio,
        tpot_limit_s=demand.tpot_limit_s * case.limit_ratio,
    )
    return replace(
        pool,
        demand=changed,
        load=pool_load(changed, pool.window_s),
        unservable_count=pool.unservable_count + too_long,
    )


def _touches(case: Case, demand: ReplayDemand) -> bool:
    """Whether a case changes anything of a pool; one that it leaves alone stays the same object."""
    sessions = case.session_ratio[demand.surface, demand.tier]
    lengths = (case.input_ratio[demand.surface], case.output_ratio[demand.surface])
    return case.limit_ratio != 1.0 or any((ratio != 1.0).any() for ratio in (sessions, *lengths))


def _cell(pool: Pool, table: DesignTable, replicas_count: float, seed: int, most_calls_count: int) -> Pool:
    closed = closed_form_fleet(table, pool)
    expected = float(closed.replicas_needed[0]) * pool.guess_ratio
    if not np.isfinite(expected):
        raise NoDeployment(f"{pool.llm.id} does not run on {table.name[0]} under this case; leave the case out")
    times = min(replicas_count / expected, most_calls_count / float(pool.demand.weight_ratio.sum()))
    demand = scale_sessions(pool.demand, times, jitter_s=CLONE_JITTER_S, seed=seed)
    if not demand.is_scored.any():
        raise EmptyDemand(f"{pool.llm.id}: no scored call is left in a cell of {replicas_count:g} replicas")
    timer = StepTimer(designs=table, llm=pool.llm, deployment=pool.at_width(int(closed.tp_count[0])))
    replica = step_cost_tables(timer, scheduler=pool.scheduler).replica(0)
    wanted, plenty = promises_of(demand), ceil(UNLOADED_RATIO * replicas_count)
    owed = reachable(wanted, demand, replica, replicas_count=plenty, scheduler=pool.scheduler)
    calls = float(pool.demand.weight_ratio[pool.demand.is_scored].sum())
    return replace(
        pool,
        demand=demand,
        promises=pool.promises.kept_for(owed),
        load=pool_load(demand, pool.window_s),
        traffic_ratio=pool.traffic_ratio * calls / float(demand.is_scored.sum()),
    )


def _scaled(
    tokens: Float[np.ndarray, "calls"], ratio: Float[np.ndarray, "calls"], *, least: int
) -> Float[np.ndarray, "calls"]:
    return np.maximum(np.rint(tokens * ratio), least).astype(np.int64)


def _words(code: str) -> str:
    return code.replace("_", " ")
