"""The search: closed form over the whole space, a learned residual that picks what to replay, a few rounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Int
from scipy.stats import norm

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.costmodel import Prediction, ResidualModel, fit_residual
from hwmodel.design.errors import NoDesign
from hwmodel.design.evaluate import Evaluation, evaluate, evaluate_many
from hwmodel.design.scenario import Scenario, guessing
from hwmodel.design.scoring import Scored, closed_form_value, score
from hwmodel.design.space import DesignSpace

CURVE = "value_per_usd_ratio"
"""The curve that is searched; the other three are reported beside it."""


CHOICE_PER_FINALIST = 6
"""Designs to choose from per finalist: many become the same once their useless changes are taken back."""


class Progress(Protocol):
    """Where the search says how far it is."""

    def advance(self, stage: str, done: int, total: int) -> None:
        """So many of the stage's replays are done."""


class EvaluationLog(Protocol):
    """Where predictions and evaluations are written down, each prediction before its evaluation."""

    def predicted(self, design: ChipDesign, prediction: tuple[float, float, float], purpose: str) -> None:
        """Mean, low and high of the searched curve over the baseline's, before the design is replayed."""

    def evaluated(self, evaluation: Evaluation, ratio: float, purpose: str) -> None:
        """The replay's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """How many designs are replayed."""

    first_count: int = 7
    """Half the best by closed form, half spread over the space."""
    rounds_count: int = 2
    batch_count: int = 3
    """Per round: one where the model knows least, the others where improvement is expected."""
    finalists_count: int = 3
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What was scored, replayed, learned, and who is in the final."""

    scenario: Scenario
    scored: Scored
    baseline: Evaluation
    replayed: dict[int, Evaluation]
    """By row of `scored`."""
    too_slow: tuple[int, ...]
    """Rows whose fleet could not keep the promises."""
    model: ResidualModel
    prediction: Prediction
    """Of every scored design, value per dollar over the baseline's."""
    finalists: tuple[int, ...]
    """Rows to choose finalists from, best prediction first."""
    finalists_count: int


def search(
    space: DesignSpace, scenario: Scenario, *, plan: SearchPlan, log: EvaluationLog, progress: Progress
) -> SearchResult:
    """Find the designs with most value per dollar.

    Raises:
        NoDesign: No point of the space is feasible and can serve the scenario.
    """
    rng = np.random.default_rng(plan.seed)
    scored = score(space, scenario)
    baseline = evaluate(space.baseline, scenario)
    scenario = guessing(scenario, baseline.guesses())
    total = plan.first_count + plan.rounds_count * plan.batch_count
    base_closed = closed_form_value(DesignTable.of([space.baseline]), scenario)[0]
    replayed: dict[int, Evaluation] = {}
    too_slow: list[int] = []

    def replay_rows(rows: Sequence[int]) -> None:
        progress.advance("search", len(replayed) + len(too_slow), total)
        found = evaluate_many([scored.designs.row(i) for i in rows], scenario)
        for row, evaluation in zip(rows, found, strict=True):
            if evaluation is None:
                too_slow.append(row)
                continue
            replayed[row] = evaluation
            log.evaluated(evaluation, evaluation.curves[CURVE] / baseline.curves[CURVE], "training")

    replay_rows(_first(scored, scored.row_of_baseline, plan.first_count, rng))
    model, prediction = _learned(space, scored, baseline, base_closed, replayed)
    for _ in range(plan.rounds_count):
        known = [*replayed, *too_slow, *scored.row_of_baseline]
        rows = _next(scored, prediction, max(prediction.mean[row] for row in replayed), known, plan.batch_count)
        for row in rows:
            log.predicted(scored.designs.row(row), _triple(prediction, row), "training")
        replay_rows(rows)
        model, prediction = _learned(space, scored, baseline, base_closed, replayed)
    progress.advance("search", total, total)
    return SearchResult(
        scenario=scenario,
        scored=scored,
        baseline=baseline,
        replayed=replayed,
        too_slow=tuple(too_slow),
        model=model,
        prediction=prediction,
        finalists=_finalists(scored, prediction, too_slow, CHOICE_PER_FINALIST * plan.finalists_count),
        finalists_count=plan.finalists_count,
    )


def _first(scored: Scored, known: Sequence[int], count: int, rng: np.random.Generator) -> list[int]:
    """Half the best by closed form, no two alike in all but one parameter; half drawn at random."""
    order = np.argsort(-scored.closed_form, kind="stable")
    best = _spread_out(scored, order, (count + 1) // 2, taken=known)
    others = rng.permutation(len(scored.closed_form))
    return [*best, *_spread_out(scored, others, count - len(best), taken=[*known, *best])]


def _next(scored: Scored, prediction: Prediction, best: float, known: Sequence[int], count: int) -> list[int]:
    """Most expected improvement over the best replay, and one design that the model knows least about."""
    gap = np.log(prediction.mean / best)
    z = gap / prediction.sd_log
    improvement = gap * norm.cdf(z) + prediction.sd_log * norm.pdf(z)
    order = np.argsort(-improvement, kind="stable")
    wanted = _spread_out(scored, order, count - 1, taken=known)
    good = np.flatnonzero(prediction.mean > 0.8 * best)
    unsure = good[np.argsort(-prediction.sd_log[good], kind="stable")]
    return [*wanted, *_spread_out(scored, unsure, 1, taken=[*known, *wanted])]


def _finalists(scored: Scored, prediction: Prediction, too_slow: Sequence[int], count: int) -> tuple[int, ...]:
    order = np.argsort(-prediction.mean, kind="stable")
    return tuple(_spread_out(scored, order[~np.isin(order, too_slow)], count, taken=[]))


def _spread_out(scored: Scored, order: Int[np.ndarray, "rows"], count: int, *, taken: Sequence[int]) -> list[int]:
    """The first rows in order that differ from each other and from `taken` in at least two parameters."""
    chosen: list[int] = []
    for row in order.tolist():
        if len(chosen) == count:
            break
        others = scored.points[[*taken, *chosen]] if taken or chosen else scored.points[:0]
        if (np.sum(~np.isclose(others, scored.points[row]), axis=1) >= 2).all():
            chosen.append(row)
    return chosen


def _learned(
    space: DesignSpace,
    scored: Scored,
    baseline: Evaluation,
    base_closed: float,
    replayed: dict[int, Evaluation],
) -> tuple[ResidualModel, Prediction]:
    """Fit the residual on what was replayed, the baseline included; predict every design over the baseline."""
    if not replayed:
        raise NoDesign("no design of the first round could keep its promises; loosen the policy's limits")
    rows = list(replayed)
    base_point = np.array([list(space.values_of_baseline().values())])
    features = np.vstack([space.features(base_point), scored.features[rows]])
    closed = np.concatenate([[base_closed], scored.closed_form[rows]])
    value = np.array([e.curves[CURVE] for e in (baseline, *replayed.values())])
    model = fit_residual(features, closed, value)
    found = model.predict(scored.features, scored.closed_form)
    over = baseline.curves[CURVE]
    relative = Prediction(mean=found.mean / over, low=found.low / over, high=found.high / over, sd_log=found.sd_log)
    return model, relative


def _triple(prediction: Prediction, row: int) -> tuple[float, float, float]:
    return float(prediction.mean[row]), float(prediction.low[row]), float(prediction.high[row])
