"""Replays the telemetry's demand on the declared incumbent, fitted on the days before, and judges the last day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from hwmodel.catalog import Catalog
from hwmodel.serving.errors import EmptyDemand
from hwmodel.serving.explained.calls import Served, observed_calls
from hwmodel.serving.explained.fit import FittedService, fit_service
from hwmodel.serving.explained.incumbent import DeclaredIncumbent, PoolReplay, pools_of, replay_pool
from hwmodel.serving.explained.limits import FIT_DAYS_COUNT, LEAD_IN_HOURS
from hwmodel.serving.explained.verdict import Verdict, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How well the declared incumbent explains the last day."""

    incumbent: DeclaredIncumbent
    fit_days: tuple[date, ...]
    last_day: date
    fitted: FittedService
    verdict: Verdict
    unserved_ratio: float
    """Calls of the last day that the replay left without a token."""
    replays: tuple[PoolReplay, ...]
    """Of the last day, by LLM."""


def explain_telemetry(
    demand: pl.DataFrame,
    model_calls: pl.DataFrame,
    policy: pl.DataFrame,
    incumbent: DeclaredIncumbent,
    *,
    catalog: Catalog,
    seed: int = 0,
) -> Explanation:
    """Fit replicas and one host overhead on all days but the last (a week at most), then judge the last one.

    Args:
        demand: Valid under `DemandCalls`, two days or more.
        model_calls: The telemetry of these calls; see `observed_calls`.
        policy: Valid under `ServingPolicy`.
        incumbent: Chip and widths that are said to have served it.
        catalog: Where LLMs are looked up.
        seed: Of sessions added where the telemetry is a sample.

    Raises:
        EmptyDemand: Fewer than two days of demand.
        NoFleet: No fleet that was tried serves the calls, or there are too few calls.
        DoesNotFit: An LLM does not fit the declared chip at its width.
    """
    days = sorted(demand["day"].unique().to_list())
    if len(days) < 2:
        raise EmptyDemand(f"{len(days)} day of demand: a last day apart needs two days or more; run with --days 2")
    fit_days, last_day = days[:-1][-FIT_DAYS_COUNT:], days[-1]
    before = demand.filter(pl.col("day").is_in(fit_days))
    fitted = fit_service(incumbent, pools_of(before, policy, catalog), observed_calls(before, model_calls), seed=seed)
    midnight = datetime.combine(last_day, time(), tzinfo=UTC)
    near = demand.filter(pl.col("requested_at") >= midnight - timedelta(hours=LEAD_IN_HOURS))
    replays = tuple(
        replay_pool(
            incumbent,
            pool,
            replicas_ratio=fitted.replicas_by_llm[pool.llm.id],
            host_step_s=fitted.host_step_s,
            seed=seed,
        )
        for pool in pools_of(near, policy, catalog, scored_from=midnight)
        if pool.llm.id in fitted.replicas_by_llm
    )
    served = Served.joined([each.served for each in replays])
    observed = observed_calls(demand.filter(pl.col("day") == last_day), model_calls)
    return Explanation(
        incumbent=incumbent,
        fit_days=tuple(fit_days),
        last_day=last_day,
        fitted=fitted,
        verdict=judge(observed, served.calls),
        unserved_ratio=served.unserved_ratio,
        replays=replays,
    )
