"""The developer's view of a design: waits in the tail, a burst, the price of a token, the pace of an agent."""

from dataclasses import dataclass
from math import ceil

import numpy as np

from hwmodel.catalog import DesignTable
from hwmodel.design.evaluate import S_PER_H, Evaluation, PoolEvaluation
from hwmodel.serving import StepTimer, replay, scale_sessions, step_cost_tables
from hwmodel.serving.demand import NS_PER_S

BURST_RATIO = 1.5
"""Sessions of the planted burst over those that the fleet was sized for. Assumed."""
BURST_JITTER_S = 5.0
TAILS = (50.0, 95.0, 99.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeveloperView:
    """What somebody who builds on the service sees; times of the replay at the fleet that keeps the promises."""

    design: str
    ttft_s: tuple[float, float, float]
    """At 50, 95 and 99 %."""
    tpot_s: tuple[float, float, float]
    met_ratio: float
    """Share of calls inside their limits at the sized load."""
    burst_met_ratio: float
    """The same with `BURST_RATIO` times the sessions on the same fleet."""
    usd_per_mtoken: float
    """Cost of the fleet per million answer tokens."""
    agent_steps_per_h: float
    """Calls that an agent gets done in an hour: an answer and the gap to its next call, mean over sessions that go on;
    NaN where no call follows another."""


def developer_view(evaluation: Evaluation) -> DeveloperView:
    """One design's view; one replay per LLM for the burst."""
    bursts = [_burst_met(evaluation, part) for part in evaluation.pools]
    weights = [part.pool.traffic_ratio * part.pool.demand.is_scored.sum() for part in evaluation.pools]
    tokens = sum(_tokens_per_h(part) for part in evaluation.pools)
    ttft, tpot = (tuple(evaluation.percentile(name, q) for q in TAILS) for name in ("ttft_s", "tpot_s"))
    return DeveloperView(
        design=evaluation.design.name,
        ttft_s=(ttft[0], ttft[1], ttft[2]),
        tpot_s=(tpot[0], tpot[1], tpot[2]),
        met_ratio=1.0 - evaluation.late_ratio,
        burst_met_ratio=float(np.average(bursts, weights=weights)),
        usd_per_mtoken=evaluation.tco_usd_per_h / (tokens / 1e6),
        agent_steps_per_h=_agent_steps(evaluation),
    )


def _tokens_per_h(part: PoolEvaluation) -> float:
    pool, result = part.pool, part.fleet.result
    done = pool.demand.is_scored & np.isfinite(result.duration_s)
    return float(pool.demand.output_tokens[done].sum()) * pool.traffic_ratio * S_PER_H / pool.window_s


def _burst_met(evaluation: Evaluation, part: PoolEvaluation) -> float:
    pool = part.pool
    timer = StepTimer(designs=DesignTable.of([evaluation.design]), llm=pool.llm, deployment=part.deployment)
    replica = step_cost_tables(timer, scheduler=pool.scheduler).replica(0)
    demand = scale_sessions(pool.demand, BURST_RATIO, jitter_s=BURST_JITTER_S, seed=0)
    count = max(ceil(part.fleet.replicas_needed), 1)
    result = replay(demand, replica, replicas_count=count, scheduler=pool.scheduler)
    return float(result.is_met[demand.is_scored].mean())


def _agent_steps(evaluation: Evaluation) -> float:
    """Steps per hour of sessions that go on, weighted by traffic."""
    seconds, weights = [], []
    for part in evaluation.pools:
        demand, result = part.pool.demand, part.fleet.result
        goes_on = np.flatnonzero((demand.after >= 0) & demand.is_scored)
        pace_s = result.duration_s[goes_on] + demand.gap_ns[goes_on] / NS_PER_S
        pace_s = pace_s[np.isfinite(pace_s)]
        if pace_s.size:
            seconds.append(float(pace_s.mean()))
            weights.append(part.pool.traffic_ratio * pace_s.size)
    return S_PER_H / float(np.average(seconds, weights=weights)) if seconds else float("nan")
