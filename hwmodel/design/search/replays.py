"""Replays of a search: those that an earlier run finished are recalled, the others are made and kept at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hwmodel.catalog import ChipDesign
from hwmodel.design.evaluate import Evaluation, evaluate, evaluate_each
from hwmodel.design.scenario import Scenario
from hwmodel.design.search.outcome import Outcome
from hwmodel.design.search.plan import EvaluationLog
from hwmodel.design.search.relief import billed_shares
from hwmodel.design.search.snapshot import snapshot_of
from warehouse.contracts import BindingResource

BILL = "bill_ratio_"
"""Prefix of the numbers that say which share of the bill each resource has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replays:
    """Replays of one scenario."""

    scenario: Scenario
    log: EvaluationLog
    snapshot: str
    found: dict[str, Outcome] = field(default_factory=dict)
    """By design name."""
    whole: dict[str, Evaluation] = field(default_factory=dict)
    """Made in this run: what a bill needs."""

    @classmethod
    def of(cls, scenario: Scenario, log: EvaluationLog) -> "Replays":
        """None yet."""
        return cls(scenario=scenario, log=log, snapshot=snapshot_of(scenario))

    def outcomes(self, designs: Sequence[ChipDesign]) -> list[Outcome]:
        """In the order of the designs."""
        for design in designs:
            known = self.log.recalled(design, self.scenario.name, self.snapshot)
            if known is not None:
                self.found[design.name] = known
        missing = [design for design in designs if design.name not in self.found]
        for at, evaluation in evaluate_each(missing, self.scenario):
            self._keep(Outcome.of(missing[at], self.scenario.name, evaluation), evaluation)
        return [self.found[design.name] for design in designs]

    def dearest(self, design: ChipDesign) -> list[BindingResource]:
        """Resources of a replayed design's bill, the dearest first."""
        known = self.found[design.name]
        if not any(name.startswith(BILL) for name in known.curves):
            evaluation = self.whole.get(design.name) or evaluate(design, self.scenario)
            shares = {BILL + name: share for name, share in billed_shares(evaluation).items()}
            known = Outcome(design=design, scenario=known.scenario, numbers=dict(known.curves) | shares)
            self._keep(known, None)
        shares = {name.removeprefix(BILL): s for name, s in known.curves.items() if name.startswith(BILL)}
        return [BindingResource(name) for name in sorted(shares, key=lambda name: (-shares[name], name))]

    def _keep(self, outcome: Outcome, evaluation: Evaluation | None) -> None:
        self.found[outcome.design.name] = outcome
        if evaluation is not None:
            self.whole[outcome.design.name] = evaluation
        self.log.kept(outcome, self.snapshot)
