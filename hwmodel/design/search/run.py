"""The search: closed form over the whole space, a learned residual that picks what to replay, rounds until enough."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from hwmodel.catalog import DesignTable
from hwmodel.costmodel import Recalibration, Training, fit_cost_model, sampling_sd
from hwmodel.design.errors import NoDesign
from hwmodel.design.evaluate import Evaluation, evaluate
from hwmodel.design.scenario import Scenario, guessing
from hwmodel.design.scoring import ClosedForm, Scored, closed_form_of, score
from hwmodel.design.search.batch import Pick, Slot, first_batch, gain_ratio, next_batch, spread_out
from hwmodel.design.search.elsewhere import learned_elsewhere, rows_elsewhere
from hwmodel.design.search.known import Candidates, Known, Learned, learned
from hwmodel.design.search.outcome import Outcome
from hwmodel.design.search.plan import CURVE, OBJECTIVES, EvaluationLog, Progress, SearchPlan
from hwmodel.design.search.relief import relieving
from hwmodel.design.search.replays import Replays
from hwmodel.design.search.result import ScenarioModel, SearchResult
from hwmodel.design.search.targets import closed_targets, inputs_of
from hwmodel.design.search.worst_case import least_kept
from hwmodel.design.space import DesignSpace

CHOICE_PER_FINALIST = 6
"""Designs to choose from per finalist: many become the same once their useless changes are taken back."""
TWIN_COUNT = 3
"""Designs that are replayed on a second sample, to tell what the first one's luck is worth."""


def search(
    space: DesignSpace,
    scenarios: Scenario | Sequence[Scenario],
    *,
    plan: SearchPlan,
    log: EvaluationLog,
    progress: Progress,
    twin: Scenario | None = None,
) -> SearchResult:
    """Find the designs with most value per dollar and per watt.

    Args:
        space: Around the incumbent.
        scenarios: The first one is searched, in its cell. Designs are scored on the others as well, whose calls may
            carry weights, and the best are replayed on each in a cell of its own, for a model of its own.
        plan: How many designs are replayed.
        log: Hears predictions before evaluations; recalls what an earlier run finished.
        progress: Hears how far the search is.
        twin: A second sample of the first scenario's demand: tells how far a gain on one sample may be off.

    Raises:
        NoDesign: No point of the space is feasible and can serve the scenario, or none keeps its promises.
    """
    today, *others = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    progress.advance("scoring", 0, 1 + len(others))
    scored = score(space, [today, *others])
    progress.advance("scoring", 1 + len(others), 1 + len(others))
    baseline = evaluate(space.baseline, today)
    today = guessing(today, baseline.guesses())
    walk = _Walk(space=space, scored=scored, plan=plan, log=log, progress=progress, baseline=baseline, scenario=today)
    stopped = walk.rounds()
    sample_sd = walk.sampling_sd(twin)
    model = walk.fitted(sample_sd)
    prediction = model.over_baseline_of(scored)
    order = np.argsort(-prediction.mean, kind="stable")
    able = order[~np.isin(order, walk.too_slow)]
    finalists = tuple(spread_out(scored.points, able, CHOICE_PER_FINALIST * plan.finalists_count, taken=[]))
    progress.advance("search", walk.total, walk.total)
    told = tuple(walk.elsewhere(others, finalists, sample_sd))
    log.trained(model.model.stamp)
    kept = least_kept(scored, prediction, told)
    return SearchResult(
        scenario=today,
        scored=scored,
        baseline=baseline,
        replayed=walk.replayed,
        whole=walk.replays.whole,
        slots=walk.slots,
        too_slow=walk.too_slow,
        learned=model,
        others=told,
        prediction=prediction,
        finalists=finalists,
        finalists_count=plan.finalists_count,
        least_kept_ratio=kept,
        firmest=int(able[np.argmax(kept[able])]),
        stopped=stopped,
    )


@dataclass(slots=True, kw_only=True)
class _Walk:
    """The state of one search."""

    space: DesignSpace
    scored: Scored
    plan: SearchPlan
    log: EvaluationLog
    progress: Progress
    baseline: Evaluation
    scenario: Scenario
    candidates: Candidates = field(init=False)
    known: Known = field(init=False, default_factory=Known.nothing)
    replays: Replays = field(init=False)
    base: Outcome = field(init=False)
    base_closed: ClosedForm = field(init=False)
    slots: dict[int, Slot] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.base_closed = closed_form_of(DesignTable.of([self.space.baseline]), self.scenario)
        self.base = Outcome.of(self.space.baseline, self.scenario.name, self.baseline)
        self.candidates = candidates_of(self.space, self.scored, self.base_closed, self.base)
        self.replays = Replays.of(self.scenario, self.log, is_billed=True)

    @property
    def total(self) -> int:
        """Designs that are replayed at most."""
        return self.plan.first_count + self.plan.rounds_count * self.plan.batch_count

    @property
    def replayed(self) -> dict[int, Outcome]:
        """Those that keep their promises, by row."""
        names = self.scored.designs.name
        return {
            row: self.replays.found[names[row]]
            for row, able in zip(self.known.rows, self.known.able, strict=True)
            if able
        }

    @property
    def too_slow(self) -> tuple[int, ...]:
        """Those that do not."""
        return tuple(row for row, able in zip(self.known.rows, self.known.able, strict=True) if not able)

    def rounds(self) -> str:
        """Replay batch after batch; returns why it ended."""
        rng = np.random.default_rng(self.plan.seed)
        first = first_batch(self.candidates, self.plan.first_count, rng, taken=self.scored.row_of_baseline)
        self._replay(first, None)
        for number in range(self.plan.rounds_count):
            if not self.known.able.any():
                raise NoDesign("no design of the first round could keep its promises; loosen the policy's limits")
            told = learned(self.candidates, self.known)
            if number >= self.plan.least_rounds_count:
                reason = self._enough(told)
                if reason:
                    return reason
            self._replay(self._next(told), told)
        if not self.known.able.any():
            raise NoDesign("no design of the first round could keep its promises; loosen the policy's limits")
        return "all replays of the plan were made"

    def _next(self, told: Learned) -> list[Pick]:
        replayed = self.replayed
        best = max(replayed, key=lambda row: replayed[row].curves[CURVE])
        return next_batch(
            self.candidates,
            self.known,
            told,
            count=self.plan.batch_count,
            relieving=relieving(
                self.scored.points,
                self.scored.designs,
                told.mean.sum(axis=1),
                best=best,
                resources=self.replays.dearest(self.scored.designs.row(best)),
            ),
            taken=[*self.known.rows, *self.scored.row_of_baseline],
        )

    def _replay(self, picks: Sequence[Pick], told: Learned | None) -> None:
        rows = [pick.row for pick in picks]
        self.slots |= {pick.row: pick.slot for pick in picks}
        if told is not None:
            self._write_down(rows, told)
        self.progress.advance("search", len(self.known.rows), self.total)
        designs = [self.scored.designs.row(row) for row in rows]
        outcomes = self.replays.outcomes(designs)
        for outcome in outcomes:
            if outcome.numbers is not None:
                ratio = outcome.curves[CURVE] / self.base.curves[CURVE]
                self.log.evaluated(outcome, ratio, "training")
        values = np.log([[one.curves.get(name, np.nan) for name in OBJECTIVES] for one in outcomes])
        self.known = self.known.after(rows, values, told)

    def _write_down(self, rows: Sequence[int], told: Learned) -> None:
        """Predictions of the batch on this sample, before it is replayed."""
        self.log.trained(self._training(0.0).stamp)
        over = np.log(self.base.curves[CURVE])
        for row in rows:
            mean, sd = told.mean[row, 0] - over, 1.645 * told.sd[row, 0]
            triple = tuple(float(np.exp(value)) for value in (mean, mean - sd, mean + sd))
            self.log.predicted(self.scored.designs.row(row), (triple[0], triple[1], triple[2]), "training")

    def _enough(self, told: Learned) -> str:
        """Why no further batch is worth its replays; empty if one is."""
        gain = gain_ratio(self.candidates, self.known, told)
        if gain < self.plan.least_gain_ratio:
            return f"no design is expected to add {self.plan.least_gain_ratio:.1%} to the front"
        mean, width = told.mean[:, 0], 1.645 * told.sd[:, 0]
        best, second = np.argsort(-mean, kind="stable")[:2] if len(mean) > 1 else (0, 0)
        if best != second and mean[best] - width[best] > mean[second] + width[second]:
            return "the runner-up is outside the interval of the best"
        return ""

    def sampling_sd(self, twin: Scenario | None) -> float | None:
        """Log deviation of a gain on one sample; None without a second sample."""
        if twin is None:
            return None
        rows = list(self.replayed)[:TWIN_COUNT]
        designs = [self.scored.designs.row(row) for row in rows]
        again = Replays.of(guessing(twin, self.baseline.guesses()), self.log)
        base, *outcomes = again.outcomes([self.space.baseline, *designs])
        if base.numbers is None:
            return None
        pairs = [
            np.log(self.replayed[row].curves[CURVE] / self.base.curves[CURVE])
            - np.log(outcome.curves[CURVE] / base.curves[CURVE])
            for row, outcome in zip(rows, outcomes, strict=True)
            if outcome.numbers is not None
        ]
        return sampling_sd(np.array(pairs))

    def fitted(self, sample_sd: float | None) -> ScenarioModel:
        """The cost model of all targets on everything that was replayed."""
        model = fit_cost_model(self._training(sample_sd))
        return ScenarioModel(
            scenario=self.scenario,
            baseline=self.base,
            base_closed=self.base_closed,
            model=model,
            replays=self.replays,
        )

    def _training(self, sample_sd: float | None) -> Training:
        replayed = self.replayed
        rows = np.array(list(replayed), dtype=np.int64)
        inputs = np.concatenate([self.candidates.base_inputs, self.candidates.inputs[rows]])
        targets = {name: value for name, value in self.base.curves.items() if not name.startswith("bill")}
        of_base = closed_targets(DesignTable.of([self.space.baseline]), self.base_closed, self.scenario, targets)
        of_rows = closed_targets(self.scored.designs.take(rows), self.scored.closed.take(rows), self.scenario, targets)
        closed = {name: np.concatenate([of_base[name], of_rows[name]]) for name in targets}
        values = {
            name: np.array([value, *(outcome.curves[name] for outcome in replayed.values())])
            for name, value in targets.items()
        }
        return Training(
            scenario=self.scenario.name,
            snapshot=self.replays.snapshot,
            inputs=inputs,
            closed=closed,
            replayed=values,
            recalibration=self._recalibration,
            sample_sd=sample_sd,
        )

    @property
    def _recalibration(self) -> dict[str, Recalibration]:
        return dict(zip(OBJECTIVES, self.known.recalibration, strict=True))

    def elsewhere(
        self, others: Sequence[Scenario], best: Sequence[int], sample_sd: float | None
    ) -> Iterator[ScenarioModel]:
        """Models of the further scenarios that can be replayed."""
        for number, other in enumerate(others):
            self.progress.advance("scenarios", number, len(others))
            found = learned_elsewhere(
                self.space,
                self.scored,
                guessing(other, self.baseline.guesses()),
                rows_elsewhere(self.scored, other.name, best, self.plan.per_scenario_count),
                plan=self.plan,
                log=self.log,
                recalibration=self._recalibration,
                sample_sd=sample_sd,
            )
            if found is not None:
                yield found
        if others:
            self.progress.advance("scenarios", len(others), len(others))


def candidates_of(space: DesignSpace, scored: Scored, base_closed: ClosedForm, base: Outcome) -> Candidates:
    """Scored designs as the search sees them."""
    return Candidates(
        points=scored.points,
        inputs=inputs_of(scored.features, scored.closed, base_closed),
        closed=np.log(np.stack([getattr(scored.closed, name) for name in OBJECTIVES], axis=1)),
        reference=np.log([base.curves[name] for name in OBJECTIVES]),
        base_inputs=inputs_of(space.features(space.base_point[None, :]), base_closed, base_closed),
        base_closed=np.log(np.stack([getattr(base_closed, name) for name in OBJECTIVES], axis=1)),
    )
