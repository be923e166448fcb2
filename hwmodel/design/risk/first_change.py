"""The first change: every single step of the space, replayed, and the one with the largest gain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwmodel.design.evaluate import Evaluation, evaluate, evaluate_many
from hwmodel.design.scenario import Scenario, guessing
from hwmodel.design.space import DesignSpace
from hwmodel.physical import limits

LATENCIES = ("latency_s", "latency_ratio")
"""Ends of the names of parameters of which less is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One parameter moved to the next of its levels, all else as in the baseline."""

    parameter: str
    before: float
    after: float
    point: tuple[float, ...]
    is_feasible: bool
    evaluation: Evaluation | None
    """None where infeasible, or where no fleet keeps the promises."""

    @property
    def relieves(self) -> bool:
        """Whether it adds to a resource: more of it, or a shorter latency."""
        return self.after < self.before if self.parameter.endswith(LATENCIES) else self.after > self.before

    def gain(self, baseline: Evaluation, curve: str) -> float:
        """Value over cost against the baseline's, less 1; minus infinity where there is no fleet."""
        if self.evaluation is None:
            return float("-inf")
        return self.evaluation.curves[curve] / baseline.curves[curve] - 1.0


def next_levels(space: DesignSpace) -> list[tuple[str, float, float, tuple[float, ...]]]:
    """Parameter, value before and after, and point of every move to the next level up or down."""
    base = space.values_of_baseline()
    moves = []
    for parameter in space.parameters:
        levels = np.array(sorted(parameter.levels))
        here = base[parameter.name]
        below, above = levels[levels < here * (1 - 1e-9)], levels[levels > here * (1 + 1e-9) + 1e-12]
        for after in (*below[-1:].tolist(), *above[:1].tolist()):
            point = tuple((base | {parameter.name: after}).values())
            moves.append((parameter.name, here, after, point))
    return moves


def single_steps(space: DesignSpace, scenario: Scenario) -> tuple[Evaluation, list[Step]]:
    """The baseline's evaluation, and every single step of the space replayed on the scenario.

    Raises:
        NoFleet: The baseline cannot keep the promises.
        NoDeployment: It cannot hold an LLM.
    """
    baseline = evaluate(space.baseline, scenario)
    near = guessing(scenario, baseline.guesses())
    moves = next_levels(space)
    table = space.designs(np.array([point for *_, point in moves]))
    feasible = limits(table, baseline=space.baseline).feasible
    able = np.flatnonzero(feasible).tolist()
    found: list[Evaluation | None] = [None] * len(moves)
    for row, evaluation in zip(able, evaluate_many([table.row(row) for row in able], near), strict=True):
        found[row] = evaluation
    steps = [
        Step(parameter=name, before=before, after=after, point=point, is_feasible=bool(ok), evaluation=evaluation)
        for (name, before, after, point), ok, evaluation in zip(moves, feasible, found, strict=True)
    ]
    return baseline, steps


def first_change(baseline: Evaluation, steps: Sequence[Step], curve: str) -> Step:
    """The step with the largest gain."""
    return steps[int(np.argmax([step.gain(baseline, curve) for step in steps]))]
