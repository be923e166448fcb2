"""The first change: every single step of the space, replayed, and the one with the largest gain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwmodel.design.evaluate import Evaluation, evaluate, evaluate_many
from hwmodel.design.scenario import Scenario, guessing
from hwmodel.design.space import DesignSpace, Step, stepped, steps_around
from hwmodel.physical import limits


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedStep:
    """One parameter moved to the next of its levels, all else as in the baseline."""

    step: Step
    is_feasible: bool
    evaluation: Evaluation | None
    """None where infeasible, or where no fleet keeps the promises."""

    def gain(self, baseline: Evaluation, curve: str) -> float:
        """Value over cost against the baseline's, less 1; minus infinity where there is no fleet."""
        if self.evaluation is None:
            return float("-inf")
        return self.evaluation.curves[curve] / baseline.curves[curve] - 1.0


def single_steps(space: DesignSpace, scenario: Scenario) -> tuple[Evaluation, list[TriedStep]]:
    """The baseline's evaluation, and every single step of the space replayed on the scenario.

    Raises:
        NoFleet: The baseline cannot keep the promises.
        NoDeployment: It cannot hold an LLM.
    """
    baseline = evaluate(space.baseline, scenario)
    near = guessing(scenario, baseline.guesses())
    steps = steps_around(space, space.base_point)
    table = space.designs(stepped(space.base_point, steps)[1:])
    feasible = limits(table, baseline=space.baseline).feasible
    able = np.flatnonzero(feasible).tolist()
    found: list[Evaluation | None] = [None] * len(steps)
    for row, evaluation in zip(able, evaluate_many([table.row(row) for row in able], near), strict=True):
        found[row] = evaluation
    tried = [
        TriedStep(step=step, is_feasible=bool(ok), evaluation=evaluation)
        for step, ok, evaluation in zip(steps, feasible, found, strict=True)
    ]
    return baseline, tried


def first_change(baseline: Evaluation, steps: Sequence[TriedStep], curve: str) -> TriedStep:
    """The step with the largest gain."""
    return steps[int(np.argmax([step.gain(baseline, curve) for step in steps]))]
