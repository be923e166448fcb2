"""What a search found."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

from hwmodel.costmodel import CostModel, Prediction
from hwmodel.design.evaluate import Evaluation
from hwmodel.design.scenario import Scenario
from hwmodel.design.scoring import ClosedForm, Scored, closed_form_of
from hwmodel.design.search.batch import Slot
from hwmodel.design.search.outcome import Outcome
from hwmodel.design.search.plan import CURVE
from hwmodel.design.search.replays import Replays
from hwmodel.design.search.targets import closed_targets, inputs_of
from hwmodel.design.space import DesignSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioModel:
    """One scenario: the baseline there, and what was learned about designs."""

    scenario: Scenario
    baseline: Outcome
    base_closed: ClosedForm
    """Of the baseline, one row."""
    model: CostModel
    replays: Replays
    """What was replayed there; further designs are asked of it, each replayed once."""

    def predictions(self, space: DesignSpace, points: Float[np.ndarray, "designs parameters"]) -> dict[str, Prediction]:
        """Every target of any points, in its own unit, with the interval for a full replay."""
        designs = space.designs(points)
        closed = closed_form_of(designs, self.scenario)
        inputs = inputs_of(space.features(points), closed, self.base_closed)
        targets = {n: v for n, v in self.baseline.curves.items() if n in self.model.residuals}
        return self.model.predict(inputs, closed_targets(designs, closed, self.scenario, targets))

    def over_baseline(self, space: DesignSpace, points: Float[np.ndarray, "designs parameters"]) -> Prediction:
        """Value per dollar of any points over the baseline's replay, with the interval for a full replay."""
        return self._over_baseline(space.features(points), closed_form_of(space.designs(points), self.scenario))

    def over_baseline_of(self, scored: Scored) -> Prediction:
        """The same of every scored design, out of what it was scored at; 0 where an LLM does not fit."""
        closed = scored.of(self.scenario.name)
        able = np.flatnonzero(closed.value_per_usd_ratio > 0.0)
        found = self._over_baseline(scored.features[able], closed.take(able))
        columns = {field.name: np.zeros(len(scored.features)) for field in fields(Prediction)}
        for name, column in columns.items():
            column[able] = getattr(found, name)
        return Prediction(**columns)

    def _over_baseline(self, features: Float[np.ndarray, "designs parameters"], closed: ClosedForm) -> Prediction:
        inputs = inputs_of(features, closed, self.base_closed)
        found = self.model.predict(inputs, {CURVE: closed.value_per_usd_ratio})[CURVE]
        base = self.baseline.curves[CURVE]
        return Prediction(mean=found.mean / base, low=found.low / base, high=found.high / base, sd_log=found.sd_log)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What was scored, replayed, learned, and who is in the final."""

    scenario: Scenario
    scored: Scored
    baseline: Evaluation
    replayed: dict[int, Outcome]
    """By row of `scored`."""
    whole: Mapping[str, Evaluation]
    """Whole evaluations by design name: of those that were replayed in this run and not recalled."""
    slots: Mapping[int, Slot]
    """Why each of them was replayed."""
    too_slow: tuple[int, ...]
    """Rows whose fleet could not keep the promises."""
    learned: ScenarioModel
    """Of the first scenario."""
    others: tuple[ScenarioModel, ...]
    """Of the further scenarios that could be replayed."""
    prediction: Prediction
    """Of every scored design, value per dollar over the baseline's."""
    finalists: tuple[int, ...]
    """Rows to choose finalists from, best prediction first."""
    least_kept_ratio: Float[np.ndarray, "designs"]
    """See `least_kept`."""
    firmest: int
    """Row that gives least away in its worst scenario."""
    finalists_count: int
    stopped: str
    """Why the search ended."""
