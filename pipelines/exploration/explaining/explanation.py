"""The explanation of an exploration: finalists taken apart, held against scenarios and rivals; composition only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from hwmodel.catalog import ChipDesign
from hwmodel.catalog.acceptance import acceptance_law
from hwmodel.design import (
    Case,
    DesignSpace,
    Evaluation,
    Progress,
    Recommendation,
    Scenario,
    SearchResult,
    Seat,
    closed_form_value,
    scenario_under,
)
from hwmodel.design.explain import (
    Ablation,
    Contest,
    Flip,
    Replays,
    ablation,
    bill_by_dimension,
    confirmed,
    elasticities,
    flips,
    justifications,
    levers_of,
    rated_designs,
    software_gains,
)
from hwmodel.serving.engine import Speculation
from pipelines.exploration.designs import title_of
from pipelines.exploration.explaining import gain_frames, overturn_frames
from pipelines.exploration.explaining.grounds import grounds_frame
from pipelines.exploration.trust import Entrant, Judged, regret_frames
from pipelines.report import FIRM, Explanation
from warehouse.contracts import SURFACES

NO_CHANGE = "no change"
SEATED = {Seat.TODAY: "finalist", Seat.WORST_CASE: FIRM}
"""What the rows of the regret are called, by the finalist's seat."""
STAGES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainPlan:
    """How much the explanation may replay; each number is a share of the loop's minutes."""

    ablated_count: int = 3
    """Finalists whose changes are replayed alone and taken back."""
    case_replicas_count: float = 3.0
    """Replicas per LLM of the cells in which thresholds are replayed."""
    flips_confirmed_count: int = 2
    """Thresholds of the demand, the nearest to today's first, that are replayed; those of prices cost nothing."""
    software_replays_count: int = 1
    """Options replayed per chip and risk."""
    offered_drafts: tuple[str, int] | None = ("eagle3-llama-3.1-8b", 3)
    """Law of acceptance in the catalogue, measured on another LLM, and drafts per step of a head that is offered to
    every chip; none are offered where it is None."""

    @property
    def drafts(self) -> Speculation | None:
        """The drafts that are offered."""
        if self.offered_drafts is None:
            return None
        law, count = self.offered_drafts
        return Speculation(chances=acceptance_law(law).chances(count))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is to be explained."""

    space: DesignSpace
    found: SearchResult
    baseline: Evaluation
    """Full evaluation of the incumbent."""
    finalists: Sequence[Recommendation]
    named: Sequence[tuple[str, Evaluation]]
    bills: Mapping[str, pl.DataFrame]
    """Contract `KernelHotspots` by name of the design, the baseline's included."""
    cases: Sequence[Case]
    """Scenarios that designs are judged by, today's first."""
    lacking: Mapping[str, str]
    """Why others are left out, by name."""
    seed: int
    progress: Progress
    plan: ExplainPlan

    @property
    def scenario(self) -> Scenario:
        """Today's, as the search replayed it."""
        return self.found.scenario

    def title(self, finalist: Recommendation) -> str:
        """The finalist's short name."""
        return title_of(self.space, finalist.changes)


def explain(subject: Subject) -> Explanation:
    """Everything that makes a recommendation plain, and what would overturn it."""
    told = partial(subject.progress.advance, "explanation")
    replays = _replays(subject)
    told(0, STAGES)
    parts = [(r.rank, subject.title(r), _parts(subject, r, replays)) for r in subject.finalists]
    told(1, STAGES)
    moves = _elasticities(subject, [scenario_under(subject.scenario, case) for case in subject.cases])
    told(2, STAGES)
    regret, summary = regret_frames(_judged(subject, replays), subject.cases)
    told(3, STAGES)
    thresholds = _flips(subject)
    told(4, STAGES)
    software = _software(subject, replays)
    told(STAGES, STAGES)
    bills = _justified(subject)
    justified = [(r.rank, title, justifications(r.changes, bill)) for r, title, bill in bills]
    return Explanation(
        parts=gain_frames.parts_frame(subject.space, parts),
        justified=gain_frames.justified_frame(subject.space, justified),
        bill=gain_frames.bill_frame([(r.rank, title, bill) for r, title, bill in bills]),
        elasticities=moves,
        scenarios=overturn_frames.scenarios_frame(subject.scenario, subject.cases, subject.lacking),
        regret=regret,
        regret_summary=summary,
        flips=overturn_frames.flips_frame(thresholds),
        software=software,
        grounds=grounds_frame(
            subject.space.baseline, [(r.rank, subject.title(r), r.design) for r in subject.finalists]
        ),
    )


def _parts(subject: Subject, finalist: Recommendation, replays: Replays) -> Ablation:
    """The finalist's changes in closed form, and replayed where the plan allows."""
    space = subject.space
    return ablation(
        space,
        np.array(finalist.point),
        lambda points: closed_form_value(space.designs(np.stack(points)), subject.scenario),
        replays if finalist.rank <= subject.plan.ablated_count else None,
    )


def _replays(subject: Subject) -> Replays:
    """What the search replayed of today's scenario is not replayed again."""
    space, found = subject.space, subject.found
    known: dict[str, Evaluation | None] = dict(found.whole)
    known |= dict.fromkeys((rated_designs(space, [space.base_point])[0].name, space.baseline.name), found.baseline)
    return Replays(scenario=subject.scenario, known=known)


def _elasticities(subject: Subject, scenarios: Sequence[Scenario]) -> pl.DataFrame:
    """Around the baseline and the best finalist, scenario by scenario."""
    points = [("baseline", subject.space.base_point)]
    points += [("recommended", np.array(r.point)) for r in subject.finalists[:1]]
    found = [
        (scenario, at, each)
        for at, point in points
        for scenario, each in elasticities(subject.space, point, scenarios).items()
    ]
    return gain_frames.elasticities_frame(subject.space, found)


def _justified(subject: Subject) -> list[tuple[Recommendation, str, pl.DataFrame]]:
    """Bills before and after of the finalists that have one."""
    before = subject.bills[subject.baseline.design.name]
    return [
        (
            finalist,
            subject.title(finalist),
            bill_by_dimension(subject.baseline, before, finalist.evaluation, subject.bills[finalist.design.name]),
        )
        for finalist in subject.finalists
        if finalist.evaluation is not None
    ]


def _judged(subject: Subject, replays: Replays) -> Judged:
    rows = [Entrant(name=NO_CHANGE, kind="baseline", design=subject.baseline.design)]
    rows += [Entrant(name=subject.title(r), kind=SEATED[r.seat], design=r.design) for r in subject.finalists]
    rows += [Entrant(name=name, kind="real chip", design=e.design) for name, e in subject.named]
    return Judged(
        today=replays,
        entrants=tuple(rows),
        found=subject.found,
    )


def _flips(subject: Subject) -> list[Flip]:
    """Thresholds of the winner against no change and the runner-up, the nearest ones replayed."""
    able = [(subject.title(r), r.evaluation) for r in subject.finalists if r.evaluation is not None]
    if not able:
        return []
    rivals = [(NO_CHANGE, subject.baseline), *able[1:2]]
    contest = Contest(winner=able[0][1], rivals=rivals)
    served = [SURFACES[at] for at in np.flatnonzero(subject.baseline.value_by_surface > 0.0).tolist()]
    levers = {lever.name: lever for lever in levers_of(served)}
    found = flips(contest, subject.scenario, list(levers.values()))
    dear = [flip for flip in found if flip.threshold is not None and levers[flip.lever].case is not None]
    nearest = sorted(dear, key=lambda flip: abs(float(np.log(flip.threshold or 1.0))))
    chosen = {(f.lever, f.rival) for f in nearest[: subject.plan.flips_confirmed_count]}
    return [
        confirmed(
            flip,
            contest,
            subject.scenario,
            levers[flip.lever],
            replicas_count=subject.plan.case_replicas_count,
            seed=subject.seed,
        )
        if (flip.lever, flip.rival) in chosen or levers[flip.lever].price is not None
        else flip
        for flip in found
    ]


def _software(subject: Subject, replays: Replays) -> pl.DataFrame:
    chips: list[tuple[str, ChipDesign]] = [("the unchanged chip", subject.baseline.design)]
    chips += [(subject.title(r), r.design) for r in subject.finalists[:1]]
    plan = subject.plan
    gains = software_gains(chips, replays, replays_count=plan.software_replays_count, drafts=plan.drafts)
    return overturn_frames.software_frame(gains)
