"""The search's two listeners: the ledger, which keeps every prediction before its evaluation, and the run's log."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from hwmodel.catalog import ChipDesign
from hwmodel.design import CURVE, Evaluation
from pipelines.code_version import code_version
from warehouse import ledger as records
from warehouse.ledger import Ledger, Purpose, design_id_of

METRIC = f"{CURVE}_over_baseline"


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
    evaluations: list[tuple[Evaluation, float, str]] = field(default_factory=list)

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
                    model_version=f"gp-residual-{code_version()}",
                    made_at=now,
                )
            )

    def evaluated(self, evaluation: Evaluation, ratio: float, purpose: str) -> None:
        """Write the replay's answer down."""
        now = datetime.now(UTC)
        self.evaluations.append((evaluation, ratio, purpose))
        with self.ledger.unit_of_work() as work:
            work.designs.ensure_all([_point(evaluation.design, now)])
            work.evaluations.add_all(
                [
                    records.Evaluation(
                        run_id=self.run_id,
                        design_id=ledger_id(evaluation.design),
                        scenario=self.scenario_of(purpose),
                        metric=METRIC,
                        value=ratio,
                        purpose=Purpose(purpose),
                        evaluated_at=now,
                    )
                ]
            )

    def scenario_of(self, purpose: str) -> str:
        """Training designs are replayed on a sample of the peak window, the others on all of it."""
        return f"{self.scenario}/{'sample' if purpose == Purpose.TRAINING.value else 'full'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldProgress:
    """`Progress` that tells a function: Dagster's log, or a bar on a terminal."""

    tell: Callable[[str], None]

    def advance(self, stage: str, done: int, total: int) -> None:
        """Say how far a stage is."""
        self.tell(f"{stage}: {done} of {total} designs replayed")


def _point(design: ChipDesign, now: datetime) -> records.DesignPoint:
    return records.DesignPoint(design_id=ledger_id(design), parameters=asdict(design), created_at=now)
