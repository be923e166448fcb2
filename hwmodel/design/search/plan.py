"""What a search is asked for, and who listens to it."""

from dataclasses import dataclass
from typing import Protocol

from hwmodel.catalog import ChipDesign
from hwmodel.costmodel import ModelStamp
from hwmodel.design.evaluate import Evaluation
from hwmodel.design.search.outcome import Outcome

CURVE = "value_per_usd_ratio"
"""The curve by which designs are recommended; the others are reported beside it."""
OBJECTIVES = (CURVE, "value_usd_per_j")
"""What is searched for: value per dollar and per watt."""


class Progress(Protocol):
    """Where the search says how far it is."""

    def advance(self, stage: str, done: int, total: int) -> None:
        """So many of the stage's replays are done."""


class EvaluationLog(Protocol):
    """Where predictions and evaluations are written down, each prediction before its evaluation."""

    def trained(self, stamp: ModelStamp) -> None:
        """The model that makes the predictions that follow."""

    def predicted(self, design: ChipDesign, prediction: tuple[float, float, float], purpose: str) -> None:
        """Mean, low and high of the searched curve over the baseline's, before the design is replayed."""

    def evaluated(self, evaluation: Evaluation | Outcome, ratio: float, purpose: str) -> None:
        """The replay's answer."""

    def recalled(self, design: ChipDesign, scenario: str, snapshot: str) -> Outcome | None:
        """What an earlier run found of the same design on the same demand, by the same code; None if nothing."""

    def kept(self, outcome: Outcome, snapshot: str) -> None:
        """Keep what a replay found, for a run that goes on where this one was cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """How many designs are replayed, and when it is enough."""

    first_count: int = 8
    """In the order of the closed form's fronts, no two alike in all but one parameter."""
    rounds_count: int = 3
    """At most."""
    batch_count: int = 4
    """Per round: one where the model knows least, one that relieves what the bill names, the others where the expected
    gain is largest."""
    least_rounds_count: int = 1
    """Rounds before the search may stop."""
    least_gain_ratio: float = 0.005
    """The search stops where no design is expected to add this share to the area that the front dominates."""
    finalists_count: int = 3
    per_scenario_count: int = 3
    """Designs that are replayed on each scenario but the first, before finalists are."""
    elsewhere_replicas_count: float = 8.0
    """Replicas per LLM of the cells in which scenarios but the first are replayed. In cells of 3, designs that need a
    third of the baseline's replicas came down to one replica, below which a fleet cannot be told."""
    elsewhere_calls_count: int = 20_000
    """Calls of one LLM in these cells at most."""
    seed: int = 0
