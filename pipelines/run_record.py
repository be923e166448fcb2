"""Keeps a run in the ledger while it goes on, and its place in a chain of generations."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pipelines.resources import LedgerResource
from warehouse.ledger import Generation, Ledger, Run, RunStatus

Succeed = Callable[[Mapping[str, int], Mapping[str, float]], None]
"""Takes the snapshots by table and the share of the calls by LLM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationStep:
    """Where a run stands in a chain of generations; see `warehouse.ledger.Generation`."""

    number: int
    elasticity_ratio: float
    previous_run_id: str | None = None
    design_id: str | None = None
    moved: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@contextmanager
def recorded_run(home: Path, run: Run, step: GenerationStep | None) -> Iterator[Succeed]:
    """Keeps the run in the ledger: running, then failed or, once it is told what came out, succeeded."""
    with LedgerResource(home=str(home)).opened() as ledger:
        _save(ledger, run)
        if step is not None:
            _save_generation(ledger, run.run_id, step)

        def succeed(snapshots: Mapping[str, int], llm_mix: Mapping[str, float]) -> None:
            done = replace(run, finished_at=datetime.now(UTC), snapshots=snapshots, llm_mix=llm_mix)
            _save(ledger, replace(done, status=RunStatus.SUCCEEDED))

        try:
            yield succeed
        except BaseException:
            _save(ledger, replace(run, finished_at=datetime.now(UTC), status=RunStatus.FAILED))
            raise


def _save(ledger: Ledger, run: Run) -> None:
    with ledger.unit_of_work() as work:
        work.runs.save(run)


def _save_generation(ledger: Ledger, run_id: str, step: GenerationStep) -> None:
    with ledger.unit_of_work() as work:
        work.generations.save(Generation(run_id=run_id, **asdict(step)))
