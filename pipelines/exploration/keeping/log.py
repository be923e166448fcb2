"""The search's two listeners: the ledger, which keeps every prediction before its evaluation, and the run's log."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from hwmodel.catalog import ChipDesign
from hwmodel.costmodel import ModelStamp
from hwmodel.design import CURVE, Evaluation, Outcome
from pipelines.code_version import code_version, source_stamp
from warehouse import ledger as records
from warehouse.ledger import Ledger, Purpose, design_id_of

METRIC = f"{CURVE}_over_baseline"
KEPT = "replayed."
"""Prefix of the metrics by which a later run recalls a replay."""
ABLE = f"{KEPT}keeps_promises"


def ledger_id(design: ChipDesign) -> str:
    """Content hash of a design, its name left out."""
    return design_id_of({name: value for name, value in asdict(design).items() if name != "name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLog:
    """`EvaluationLog` over the ledger; also remembers what it wrote, for the report."""

    ledger: Ledger
    run_id: str
    scenario: str
    predictions: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Mean, low and high of the searched curve over the baseline's, by design name; the last before evaluation."""
    evaluations: list[tuple[Evaluation | Outcome, float, str]] = field(default_factory=list)
    stamps: list[ModelStamp] = field(default_factory=list)
    """Models in the order in which they were trained; the last one makes the predictions."""
    recalled_count: list[int] = field(default_factory=lambda: [0])
    """Replays that an earlier run had finished."""
    earlier: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    """Numbers of replays by scenario key and design id, as the ledger has them."""

    def trained(self, stamp: ModelStamp) -> None:
        """Write down what the predictions that follow were learned from."""
        self.stamps.append(stamp)
        with self.ledger.unit_of_work() as work:
            if work.model_versions.get(stamp.version) is None:
                work.model_versions.add(
                    records.ModelVersion(
                        version=stamp.version,
                        kind=stamp.kind,
                        trained_on=dict(stamp.trained_on) | {"run_id": self.run_id, "source": source_stamp()},
                        created_at=datetime.now(UTC),
                    )
                )

    def recalled(self, design: ChipDesign, scenario: str, snapshot: str) -> Outcome | None:
        """What any run of the same code found of this design on this demand."""
        found = self._kept_of(_key(scenario, snapshot)).get(ledger_id(design))
        if found is None or ABLE not in found:
            return None
        self.recalled_count[0] += 1
        numbers = {name.removeprefix(KEPT): value for name, value in found.items() if name != ABLE}
        return Outcome(design=design, scenario=scenario, numbers=numbers if found[ABLE] else None)

    def kept(self, outcome: Outcome, snapshot: str) -> None:
        """Keep a replay's numbers under the name of its demand; what is there already stays."""
        wanted = {KEPT + name: value for name, value in outcome.curves.items()}
        if not all(math.isfinite(value) for value in wanted.values()):
            return
        known = self._kept_of(key := _key(outcome.scenario, snapshot)).setdefault(ledger_id(outcome.design), {})
        wanted |= {ABLE: float(outcome.numbers is not None)}
        self._add(outcome.design, key, {name: v for name, v in wanted.items() if name not in known}, Purpose.TRAINING)
        known.update(wanted)

    def _kept_of(self, key: str) -> dict[str, dict[str, float]]:
        if key not in self.earlier:
            with self.ledger.unit_of_work() as work:
                rows = work.evaluations.where(scenario=key)
            found: dict[str, dict[str, float]] = {}
            for row in rows:
                found.setdefault(row.design_id, {})[row.metric] = row.value
            self.earlier[key] = found
        return self.earlier[key]

    def predicted(self, design: ChipDesign, prediction: tuple[float, float, float], purpose: str) -> None:
        """Write a prediction down, once and for all."""
        now, (mean, low, high) = datetime.now(UTC), prediction
        self.predictions[f"{purpose}:{design.name}"] = prediction
        with self.ledger.unit_of_work() as work:
            work.designs.ensure_all([_point(design, now)])
            work.predictions.add(
                records.Prediction(
                    run_id=self.run_id,
                    design_id=ledger_id(design),
                    scenario=self.scenario_of(purpose),
                    metric=METRIC,
                    mean=mean,
                    low=low,
                    high=high,
                    model_version=self.stamps[-1].version if self.stamps else f"closed-form-{code_version()}",
                    made_at=now,
                )
            )

    def evaluated(self, evaluation: Evaluation | Outcome, ratio: float, purpose: str) -> None:
        """Write the replay's answer down."""
        self.evaluations.append((evaluation, ratio, purpose))
        self._add(evaluation.design, self.scenario_of(purpose), {METRIC: ratio}, Purpose(purpose))

    def _add(self, design: ChipDesign, scenario: str, values: Mapping[str, float], purpose: Purpose) -> None:
        now = datetime.now(UTC)
        with self.ledger.unit_of_work() as work:
            work.designs.ensure_all([_point(design, now)])
            work.evaluations.add_all(
                records.Evaluation(
                    run_id=self.run_id,
                    design_id=ledger_id(design),
                    scenario=scenario,
                    metric=metric,
                    value=value,
                    purpose=purpose,
                    evaluated_at=now,
                )
                for metric, value in values.items()
            )

    def scenario_of(self, purpose: str) -> str:
        """Training designs are replayed on a sample of the peak window, the others on all of it."""
        return f"{self.scenario}/{'sample' if purpose == Purpose.TRAINING.value else 'full'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldProgress:
    """`Progress` that tells a function: Dagster's log, or a bar on a terminal."""

    tell: Callable[[str, int, int], None]
    """Takes the words, how much is done, and of how much."""

    def advance(self, stage: str, done: int, total: int) -> None:
        """Say how far a stage is."""
        self.tell(f"{stage}: {done} of {total}", done, total)


def _key(scenario: str, snapshot: str) -> str:
    """Scenario as the ledger names it: its demand, and the code that replays it."""
    return f"{scenario}@{snapshot}-{source_stamp()}"


def _point(design: ChipDesign, now: datetime) -> records.DesignPoint:
    return records.DesignPoint(design_id=ledger_id(design), parameters=asdict(design), created_at=now)
