"""The ledger as the rest of the house sees it: open it, write in a unit of work, ask it questions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Engine

from warehouse.database import reached
from warehouse.errors import NotRecorded
from warehouse.ledger.engine import LedgerSession, for_writing, make_engine, upgrade
from warehouse.ledger.records import (
    Decision,
    DesignPoint,
    Evaluation,
    Generation,
    Prediction,
    Recommendation,
    RecommendationStatus,
    Run,
)
from warehouse.ledger.repository import UnitOfWork


def ledger_url(home: Path) -> str:
    """SQLAlchemy URL of the ledger that lies in the home itself."""
    path = home.expanduser().resolve() / "ledger" / "ledger.db"
    return URL.create("sqlite", database=str(path)).render_as_string()


def open_ledger(url: str) -> "Ledger":
    """Opens the ledger at any SQLAlchemy URL, making or upgrading its tables.

    Raises:
        NewerLedger: if it was upgraded by newer code than this.
        UnreachableDatabase: if the URL is wrong, lacks its driver, or its database does not answer.
    """
    with reached(url):
        engine = make_engine(url)
        upgrade(engine)
    return Ledger(engine=engine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What was run, predicted, evaluated, recommended and decided."""

    engine: Engine

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        """Repositories over one transaction: committed on leaving cleanly, rolled back on any error."""
        with LedgerSession(for_writing(self.engine)) as session, session.begin():
            yield UnitOfWork(session)

    def runs(self) -> list[Run]:
        """All runs, the latest last."""
        with self._reading() as ledger:
            return sorted(ledger.runs.where(), key=lambda run: run.started_at)

    def run(self, run_id: str) -> Run:
        """The run of this id.

        Raises:
            NotRecorded: if there is none.
        """
        with self._reading() as ledger:
            found = ledger.runs.get(run_id)
        if found is None:
            raise NotRecorded(f"no run {run_id!r} in the ledger; the runs are {', '.join(self._run_ids()) or 'none'}")
        return found

    def latest_run(self, dataset: str) -> Run | None:
        """The run of this dataset that started last, whatever its status."""
        return next((run for run in reversed(self.runs()) if run.dataset == dataset), None)

    def predictions_of(self, run_id: str) -> list[Prediction]:
        """All predictions of a run, by design, scenario and metric."""
        with self._reading() as ledger:
            return ledger.predictions.where(run_id=run_id)

    def evaluations_of(self, run_id: str) -> list[Evaluation]:
        """All evaluations of a run, by design, scenario, metric and purpose."""
        with self._reading() as ledger:
            return ledger.evaluations.where(run_id=run_id)

    def recommendations_of(self, run_id: str) -> list[Recommendation]:
        """Recommendations of a run, the best first."""
        with self._reading() as ledger:
            return sorted(ledger.recommendations.where(run_id=run_id), key=lambda each: each.rank)

    def decisions_of(self, run_id: str, design: str | int) -> list[Decision]:
        """What became of a recommendation, in order; named by its design id or its rank.

        Raises:
            NotRecorded: if the run has no such recommendation.
        """
        with self._reading() as ledger:
            found = ledger.recommendations.named(run_id, design)
            return ledger.decisions.where(run_id=run_id, design_id=found.design_id)

    def generations_upto(self, run_id: str) -> list[Generation]:
        """The chain of generations that ends with this run, the first one first; empty where it belongs to none."""
        chain: list[Generation] = []
        with self._reading() as ledger:
            found = ledger.generations.get(run_id)
            while found is not None:
                chain.append(found)
                found = ledger.generations.get(found.previous_run_id) if found.previous_run_id else None
        return chain[::-1]

    def design_of(self, run_id: str, design: str | int) -> DesignPoint:
        """The design that a run recommends, named by its id or its rank.

        Raises:
            NotRecorded: if the run has no such recommendation.
        """
        with self._reading() as ledger:
            found = ledger.designs.get(ledger.recommendations.named(run_id, design).design_id)
        if found is None:
            raise NotRecorded(f"design {design!r} of run {run_id} is recommended, but its parameters are not there")
        return found

    def snapshots_named(self) -> frozenset[int]:
        """Lake snapshots that any run points at; maintenance must keep them."""
        with self._reading() as ledger:
            read = {version.snapshot_id for version in ledger.data_versions.where()}
            return frozenset(read.union(*(run.snapshots.values() for run in ledger.runs.where())))

    def decide(
        self, run_id: str, design: str | int, *, status: RecommendationStatus, why: str, at: datetime
    ) -> Recommendation:
        """Records what became of a recommendation, keeping its history.

        Args:
            run_id: The run.
            design: Its design id, or its rank.
            status: What was decided.
            why: The reason, in the words of whoever decided.
            at: When, with a time zone.

        Raises:
            NotRecorded: if the run has no such recommendation.
        """
        with self.unit_of_work() as ledger:
            found = ledger.recommendations.named(run_id, design)
            number = len(ledger.decisions.where(run_id=run_id, design_id=found.design_id)) + 1
            decided = replace(found, status=status)
            ledger.recommendations.save(decided)
            ledger.decisions.add(
                Decision(run_id=run_id, design_id=found.design_id, number=number, status=status, why=why, at=at)
            )
        return decided

    def close(self) -> None:
        """Closes the connections."""
        self.engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[UnitOfWork]:
        with LedgerSession(self.engine) as session:
            yield UnitOfWork(session)

    def _run_ids(self) -> list[str]:
        return [run.run_id for run in self.runs()]
