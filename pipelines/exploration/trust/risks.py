"""Risks of the first design, what each design is to a developer, and what it takes to get it made, as frames."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import polars as pl

from hwmodel.catalog import load_catalog
from hwmodel.design import AbandonmentModel, Evaluation, Recommendation, Scenario
from hwmodel.design.risk import (
    Judged,
    architecture_mismatch,
    claims_miss,
    cost_opacity,
    deployment_delay,
    developer_view,
    low_yield,
    software_immature,
    supplier_mix,
)
from hwmodel.physical import break_even_chips, chip_life_h, months_that_eat, project_of
from pipelines.report import RecommendationView

MOST_SHARE = 0.6
"""Share of the demand that one supplier may serve where suppliers are spread. Assumed."""
NUMBER, TEXT = pl.Float64, pl.String
RISK_SCHEMA = {
    "risk": TEXT,
    "what": TEXT,
    "unit": TEXT,
    "low": NUMBER,
    "high": NUMBER,
    "gain_today_ratio": NUMBER,
    "gain_at_high_ratio": NUMBER,
    "flips_at": NUMBER,
    "basis": TEXT,
}
SUPPLY_SCHEMA = {
    "cap": TEXT,
    "cap_ratio": NUMBER,
    "mix": TEXT,
    "served_ratio": NUMBER,
    "value_usd_per_h": NUMBER,
    "flips_below": NUMBER,
    "flips_above": NUMBER,
}
DEVELOPER_SCHEMA = {
    "design": TEXT,
    **{f"{name}_p{point}_s": NUMBER for name in ("ttft", "tpot") for point in (50, 95, 99)},
    "met_ratio": NUMBER,
    "burst_met_ratio": NUMBER,
    "usd_per_mtoken": NUMBER,
    "agent_steps_per_h": NUMBER,
}
PROJECT_SCHEMA = {
    "design": TEXT,
    "depth": TEXT,
    **{f"{name}_{end}": NUMBER for name in ("nre_usd", "months", "break_even") for end in ("low", "typical", "high")},
    "fleet_chips_count": NUMBER,
    "saving_usd_per_chip_life": NUMBER,
    "value_usd_per_h": NUMBER,
    "gain_ratio": NUMBER,
    "months_of_market": NUMBER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFrames:
    """Frames of the report, as `ReportContent` describes them; all empty where nothing was re-evaluated."""

    risks: pl.DataFrame
    supply: pl.DataFrame
    developers: pl.DataFrame
    projects: pl.DataFrame


def risk_frames(
    baseline: Evaluation,
    finalists: Sequence[Recommendation],
    views: Sequence[RecommendationView],
    named: Sequence[tuple[str, Evaluation]],
) -> RiskFrames:
    """Stress tests of the design that ranks first; developers and projects of all that were re-evaluated."""
    designs = [(v.title, r.evaluation) for r, v in zip(finalists, views, strict=True) if r.evaluation is not None]
    risks: list[dict[str, object]] = []
    supply: list[dict[str, object]] = []
    if designs:
        title, first = designs[0]
        risks = risk_rows(Judged(scenario=_scenario(baseline), baseline=baseline, evaluation=first))
        titles = {first.design.name: title} | {evaluation.design.name: name for name, evaluation in named}
        supply = _supply_rows(first, [baseline, *_same_pools(baseline, named)], titles)
    views_of = [(baseline.design.name, baseline), *designs]
    return RiskFrames(
        risks=pl.DataFrame(risks, schema=RISK_SCHEMA),
        supply=pl.DataFrame(supply, schema=SUPPLY_SCHEMA),
        developers=pl.DataFrame([_developer_row(*pair) for pair in views_of], schema=DEVELOPER_SCHEMA),
        projects=pl.DataFrame([_project_row(baseline, *pair) for pair in designs], schema=PROJECT_SCHEMA),
    )


def risk_rows(judged: Judged) -> list[dict[str, object]]:
    """Every stress test of one design."""
    rows = [claims_miss(judged), software_immature(judged), *architecture_mismatch(judged, load_catalog())[0]]
    return [asdict(row) for row in (*rows, deployment_delay(judged), low_yield(judged), cost_opacity(judged))]


def _scenario(baseline: Evaluation) -> Scenario:
    """The scenario of an evaluation; patience plays no part in the closed form."""
    return Scenario(
        name=baseline.scenario,
        baseline=baseline.design,
        pools=tuple(part.pool for part in baseline.pools),
        abandonment=AbandonmentModel.nobody_leaves(),
    )


def _same_pools(baseline: Evaluation, named: Sequence[tuple[str, Evaluation]]) -> list[Evaluation]:
    """Real chips that serve every LLM of the demand."""
    wanted = {part.pool.llm.id for part in baseline.pools}
    return [e for _, e in named if {part.pool.llm.id for part in e.pools} == wanted]


def _supply_rows(first: Evaluation, others: Sequence[Evaluation], titles: dict[str, str]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for row in supplier_mix(first, others, most_share=MOST_SHARE):
        mix = ", ".join(f"{titles.get(name, name)} {share:.0%}" for name, share in row.shares.items())
        rows.append({name: value for name, value in asdict(row).items() if name != "shares"} | {"mix": mix})
    return rows


def _developer_row(title: str, evaluation: Evaluation) -> dict[str, object]:
    view = developer_view(evaluation)
    tails = {
        f"{name}_p{point}_s": value
        for name, values in (("ttft", view.ttft_s), ("tpot", view.tpot_s))
        for point, value in zip((50, 95, 99), values, strict=True)
    }
    rest = {name: getattr(view, name) for name in ("met_ratio", "burst_met_ratio", "usd_per_mtoken")}
    return {"design": title} | tails | rest | {"agent_steps_per_h": view.agent_steps_per_h}


def _project_row(baseline: Evaluation, title: str, evaluation: Evaluation) -> dict[str, object]:
    project = project_of(baseline.design, evaluation.design)
    ratio = evaluation.curves["value_per_usd_ratio"] / baseline.curves["value_per_usd_ratio"]
    saving = evaluation.usd_per_chip_h * (ratio - 1.0)
    ends = ("low", "typical", "high")
    told = {"nre_usd": project.nre_usd, "months": project.months, "break_even": break_even_chips(project, saving)}
    return {
        "design": title,
        "depth": project.depth,
        **{f"{name}_{end}": value for name, values in told.items() for end, value in zip(ends, values, strict=True)},
        "fleet_chips_count": evaluation.chips_needed,
        "saving_usd_per_chip_life": saving * chip_life_h(),
        "value_usd_per_h": evaluation.value_usd_per_h,
        "gain_ratio": ratio - 1.0,
        "months_of_market": months_that_eat(ratio - 1.0),
    }
