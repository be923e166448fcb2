"""Records that the ledger's tests write."""

from datetime import UTC, datetime, timedelta

from warehouse.ledger import (
    DesignPoint,
    Evaluation,
    Prediction,
    Purpose,
    Recommendation,
    Run,
    UnitOfWork,
    design_id_of,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PARAMETERS = {"hbm_stacks": 8, "clock_hz": 1.8e9}
DESIGN = design_id_of(PARAMETERS)


def run(run_id: str = "r1", *, dataset: str = "synthetic", started_at: datetime = NOON) -> Run:
    """A run that has just begun."""
    return Run(
        run_id=run_id,
        dataset=dataset,
        seed=7,
        baseline_chip="h100-sxm",
        llm_mix={"gpt-oss-120b": 1.0},
        started_at=started_at,
        code_version="0.1.0",
        snapshots={"model_calls": 2**62 + 1},
    )


def design() -> DesignPoint:
    """A design point."""
    return DesignPoint(design_id=DESIGN, parameters=PARAMETERS, created_at=NOON)


def prediction(mean: float = 1.2, *, made_at: datetime = NOON) -> Prediction:
    """What was said of that design before it was evaluated."""
    return Prediction(
        run_id="r1",
        design_id=DESIGN,
        scenario="base",
        metric="value_per_usd_ratio",
        mean=mean,
        low=1.1,
        high=1.3,
        model_version="gp-1",
        made_at=made_at,
    )


def evaluation(purpose: Purpose = Purpose.RECOMMENDED, *, later_s: float = 60.0) -> Evaluation:
    """What the replay said of that design, some time after noon."""
    return Evaluation(
        run_id="r1",
        design_id=DESIGN,
        scenario="base",
        metric="value_per_usd_ratio",
        value=1.25,
        purpose=purpose,
        evaluated_at=NOON + timedelta(seconds=later_s),
    )


def recommendation(rank: int = 1, design_id: str = DESIGN) -> Recommendation:
    """A recommended change to that design."""
    return Recommendation(
        run_id="r1",
        design_id=design_id,
        rank=rank,
        change={"hbm_stacks": {"from": 6, "to": 8}},
        predicted_gain_ratio=1.2,
        low=1.1,
        high=1.3,
        evidence={"binding_resource": "hbm", "kernels": ["attention_decode"]},
    )


def begin(ledger: UnitOfWork) -> None:
    """Adds the run and the design that everything else points at."""
    ledger.runs.add(run())
    ledger.designs.add(design())
