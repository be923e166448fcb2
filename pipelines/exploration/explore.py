"""One exploration: baseline, search, re-evaluation, bills, named chips, robustness; composition only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hwmodel.catalog import ChipDesign, load_catalog
from hwmodel.design import (
    FULL_CELL,
    SEARCH_CELL,
    AbandonmentModel,
    Case,
    CaseKind,
    CellSize,
    DesignSpace,
    Evaluation,
    Progress,
    Recommendation,
    Scenario,
    SearchPlan,
    SearchResult,
    bill_of,
    cases_of,
    recommend,
    scenario_of,
    scenario_under,
    search,
    space_around,
)
from pipelines.exploration.designs import Chip, evaluate_named, frames, interactivity_frame, refused_chips
from pipelines.exploration.explaining import ExplainPlan, Subject, explain, forecast_rows, recommendation_view
from pipelines.exploration.findings import Findings
from pipelines.exploration.inputs import LoopInputs
from pipelines.exploration.keeping import LedgerLog
from pipelines.exploration.lineage import handover_frame
from pipelines.exploration.trust import chip_errors_frame, evidence_frame, explained_view, risk_frames, robustness_frame
from pipelines.report import RecommendationView

TRAFFIC_RATIO = 1000.0
"""Fleet traffic over the telemetry's: telemetry is taken as a sample of one in a thousand. Assumed; fleets scale with
it, ratios of designs do not."""

TWIN_SEED = 1_000_003
"""Added to the seed for a second sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explorer:
    """Who explores: baseline, budget, listeners."""

    baseline: ChipDesign
    log: LedgerLog
    progress: Progress
    seed: int
    allow_estimates: bool = False
    plan: SearchPlan = field(default_factory=SearchPlan)
    search_cell: CellSize = SEARCH_CELL
    full_cell: CellSize = FULL_CELL
    explain_plan: ExplainPlan = field(default_factory=ExplainPlan)


def explore(inputs: LoopInputs, explorer: Explorer) -> Findings:
    """Find out what to change for this demand, and why."""
    sample, twin, full = _scenarios(inputs, explorer)
    space = space_around(explorer.baseline)
    cases, lacking = cases_of(sample, forecast_rows(inputs.forecast))
    others = [scenario_under(sample, case) for case in cases if case.kind is not CaseKind.TODAY]
    found = search(
        space, [sample, *others], plan=explorer.plan, log=explorer.log, progress=explorer.progress, twin=twin
    )
    baseline, finalists = recommend(space, found, full, log=explorer.log, progress=explorer.progress)
    named = evaluate_named(found.scenario, explorer.baseline.name, allow_estimates=explorer.allow_estimates)
    return _findings(inputs, explorer, space, found, (cases, lacking), baseline, finalists, named)


def _scenarios(inputs: LoopInputs, explorer: Explorer) -> Iterator[Scenario]:
    """Today's demand three times: the search's sample, a second one, and what finalists are replayed on."""
    abandonment = AbandonmentModel.of(inputs.abandonment)
    cells = ((explorer.search_cell, 0), (explorer.search_cell, 1), (explorer.full_cell, 0))
    for number, (cell, draw) in enumerate(cells):
        explorer.progress.advance("drawing demand", number, len(cells))
        yield _scenario(inputs, explorer, abandonment, cell, draw=draw)


def _scenario(
    inputs: LoopInputs, explorer: Explorer, abandonment: AbandonmentModel, cell: CellSize, *, draw: int = 0
) -> Scenario:
    """Of today's demand; another draw takes other sessions."""
    return scenario_of(
        inputs.demand,
        inputs.policy,
        name="today",
        baseline=explorer.baseline,
        catalog=load_catalog(),
        abandonment=abandonment,
        window_start=inputs.peak.start,
        cell=cell,
        traffic_ratio=TRAFFIC_RATIO,
        seed=explorer.seed + TWIN_SEED * draw,
    )


def _findings(  # noqa: PLR0917 - the parts of one result
    inputs: LoopInputs,
    explorer: Explorer,
    space: DesignSpace,
    found: SearchResult,
    told_cases: tuple[Sequence[Case], Mapping[str, str]],
    baseline: Evaluation,
    finalists: Sequence[Recommendation],
    named: Sequence[tuple[str, Evaluation]],
) -> Findings:
    hotspots, step_bins = bill_of(baseline)
    evaluated = [baseline, *[r.evaluation for r in finalists if r.evaluation is not None]]
    bills = {e.design.name: bill_of(e)[0] for e in evaluated[1:]} | {baseline.design.name: hotspots}
    subject = Subject(
        space=space,
        found=found,
        baseline=baseline,
        finalists=finalists,
        named=named,
        bills=bills,
        cases=told_cases[0],
        lacking=told_cases[1],
        seed=explorer.seed,
        progress=explorer.progress,
        plan=explorer.explain_plan,
    )
    explanation = explain(subject)
    views = tuple(recommendation_view(space, r, baseline, bills, explanation) for r in finalists)
    billed = sum(
        p.fleet.result.busy_s / p.fleet.result.span_s * p.pool.traffic_ratio * p.deployment.tp_count
        for p in baseline.pools
    )
    risky = risk_frames(baseline, finalists, views, named)
    return Findings(
        step_bins=step_bins,
        hotspots=hotspots,
        evaluations=frames.evaluations_frame(evaluated),
        service=frames.service_frame(baseline),
        fleet=frames.fleet_frame(baseline),
        explained=explained_view(inputs, baseline, seed=explorer.seed),
        roofs=frames.roofs_frame(explorer.baseline),
        designs=frames.designs_frame(space, found, views, named),
        recommendations=views,
        calibration=frames.calibration_frame(explorer.log, views),
        robustness=robustness_frame(inputs, baseline, finalists, views),
        refused=refused_chips(found, named, allow_estimates=explorer.allow_estimates),
        service_changes=frames.service_changes_frame(baseline, evaluated[1:]),
        handover=handover_frame(finalists, traffic_ratio=TRAFFIC_RATIO),
        evidence=evidence_frame(explorer.baseline, inputs.policy, allow_estimates=explorer.allow_estimates),
        risks=risky.risks,
        supply=risky.supply,
        developers=risky.developers,
        projects=risky.projects,
        explanation=explanation,
        interactivity=interactivity_frame(baseline, _drawn_chips(explorer, views, finalists, named)),
        chip_errors=chip_errors_frame(),
        scored_count=len(found.scored.closed_form),
        space_count=found.scored.legal_count,
        replayed_count=len(explorer.log.evaluations) + len(named),
        bill_unexplained_ratio=abs(float(hotspots["cost_usd"].sum()) / (billed * baseline.usd_per_chip_h) - 1.0),
    )


def _drawn_chips(
    explorer: Explorer,
    views: Sequence[RecommendationView],
    finalists: Sequence[Recommendation],
    named: Sequence[tuple[str, Evaluation]],
) -> list[Chip]:
    """The baseline, the best recommended design and the real chips."""
    proposed = [
        (view.title, "recommended", finalist.design)
        for view, finalist in zip(views, finalists, strict=True)
        if view.recommended
    ]
    real = [(name, "real chip", evaluation.design) for name, evaluation in named]
    return [(explorer.baseline.name, "baseline", explorer.baseline), *proposed[:1], *real]
