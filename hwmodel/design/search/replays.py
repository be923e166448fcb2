"""Replays of a search: those that an earlier run finished are recalled, the others are made and kept at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hwmodel.catalog import ChipDesign
from hwmodel.design.evaluate import Evaluation, evaluate_each
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

    is_billed: bool = False
    """Whether each replay's bill is drawn up and kept with it."""

    @classmethod
    def of(cls, scenario: Scenario, log: EvaluationLog, *, is_billed: bool = False) -> "Replays":
        """None yet."""
        return cls(scenario=scenario, log=log, snapshot=snapshot_of(scenario), is_billed=is_billed)

    def outcomes(self, designs: Sequence[ChipDesign]) -> list[Outcome]:
        """In the order of the designs."""
        for design in designs:
            known = self.log.recalled(design, self.scenario.name, self.snapshot)
            if known is not None:
                self.found[design.name] = known
        missing = list({design.name: design for design in designs if design.name not in self.found}.values())
        for at, evaluation in evaluate_each(missing, self.scenario):
            self._keep(missing[at], evaluation)
        return [self.found[design.name] for design in designs]

    def dearest(self, design: ChipDesign) -> list[BindingResource]:
        """Resources of a replayed design's bill, the dearest first."""
        known = self.found[design.name].curves
        shares = {name.removeprefix(BILL): share for name, share in known.items() if name.startswith(BILL)}
        return [BindingResource(name) for name in sorted(shares, key=lambda name: (-shares[name], name))]

    def _keep(self, design: ChipDesign, evaluation: Evaluation | None) -> None:
        """At once and with its bill: what is cut off here is never replayed again for it."""
        outcome = Outcome.of(design, self.scenario.name, evaluation)
        if evaluation is not None:
            self.whole[design.name] = evaluation
            bill = billed_shares(evaluation) if self.is_billed else {}
            outcome = replace(outcome, numbers=dict(outcome.curves) | {BILL + name: bill[name] for name in bill})
        self.found[design.name] = outcome
        self.log.kept(outcome, self.snapshot)
