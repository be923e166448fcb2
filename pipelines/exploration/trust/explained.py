"""Does the run's declared incumbent explain its telemetry: the comparison as the report and the check want it."""

import polars as pl

from hwmodel.catalog import load_catalog
from hwmodel.design import Evaluation
from hwmodel.serving import DoesNotFit, EmptyDemand, NoFleet
from hwmodel.serving.explained import (
    FIT_DAYS_COUNT,
    DeclaredIncumbent,
    Explanation,
    ShapeTest,
    explain_telemetry,
)
from pipelines.errors import one_line
from pipelines.exploration.inputs import LoopInputs
from pipelines.report import ExplainedView


def declared_incumbent(baseline: Evaluation) -> DeclaredIncumbent:
    """The run's baseline, each LLM at the width at which the baseline's own fleet serves it."""
    return DeclaredIncumbent(
        design=baseline.design,
        tp_by_llm={part.pool.llm.id: part.deployment.tp_count for part in baseline.pools},
        scheduler=baseline.pools[0].pool.scheduler,
    )


def explained_view(inputs: LoopInputs, baseline: Evaluation, *, seed: int) -> ExplainedView:
    """Compare, or say why there is no comparison."""
    incumbent = declared_incumbent(baseline)
    last = sorted(inputs.days)[-FIT_DAYS_COUNT - 1 :]
    served = pl.col("llm").is_in(list(incumbent.tp_by_llm))
    demand = inputs.demand.filter(pl.col("day").is_in(last), served)
    try:
        found = explain_telemetry(demand, inputs.observed, inputs.policy, incumbent, catalog=load_catalog(), seed=seed)
    except (EmptyDemand, NoFleet, DoesNotFit) as error:
        return ExplainedView.missing(chip=incumbent.design.name, reason=one_line(error))
    return _view(found)


def _view(found: Explanation) -> ExplainedView:
    verdict, fitted = found.verdict, found.fitted
    return ExplainedView(
        reason="",
        chip=found.incumbent.design.name,
        finding=verdict.finding.value,
        fit_days=tuple(day.isoformat() for day in found.fit_days),
        last_day=found.last_day.isoformat(),
        host_step_s=fitted.host_step_s,
        unexplained_ratio=verdict.likeness.unexplained_ratio if verdict.likeness else None,
        unserved_ratio=found.unserved_ratio,
        pools=pl.DataFrame(
            [
                {"llm": llm, "tp_count": found.incumbent.tp_by_llm[llm], "replicas_ratio": ratio}
                for llm, ratio in sorted(fitted.replicas_by_llm.items())
            ]
        ),
        tests=pl.DataFrame([_row(test) for test in verdict.tests]).fill_nan(None),
        surfaces=verdict.surfaces,
        hours=verdict.hours,
    )


def _row(test: ShapeTest) -> dict[str, object]:
    numbers = {"value": test.value, "low": test.low, "high": test.high, "limit": test.limit}
    return {"name": test.name, **numbers, "finding": test.finding.value, "said": test.said}
