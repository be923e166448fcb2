"""The repositories and the unit of work: all queries of the ledger live here; rows come and go as plain records."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from warehouse.errors import BadRecord, DuplicateRow, MissingPrediction, MissingReference, NotRecorded
from warehouse.ledger import records, rows
from warehouse.ledger.rows import Row

RowT = TypeVar("RowT", bound=Row)
RecordT = TypeVar("RecordT")


class Repository(Generic[RowT, RecordT]):
    """One table as a collection of records. An error ends the unit of work: nothing of it is kept."""

    def __init__(self, session: Session, row_type: type[RowT], record_type: type[RecordT]) -> None:
        self._session = session
        self._row_type = row_type
        self._record_type = record_type
        self._names = [column.name for column in fields(record_type)]  # type: ignore[arg-type]

    def add(self, record: RecordT) -> None:
        """Adds a record; see add_all."""
        self.add_all([record])

    def add_all(self, records: Iterable[RecordT]) -> None:
        """Adds records at once.

        Raises:
            DuplicateRow: if the key of one is taken.
            MissingReference: if one points at a run or design that is not there.
            BadRecord: if a value cannot be stored.
        """
        self._session.add_all([self._row(record) for record in records])
        self._flush()

    def get(self, *key: object) -> RecordT | None:
        """The record of this key, in the order of the table's key columns."""
        row = self._session.get(self._row_type, key)
        return None if row is None else self._record(row)

    def where(self, **equals: object) -> list[RecordT]:
        """Records whose fields have these values, in order of their key; all of them without any."""
        query = select(self._row_type).filter_by(**equals).order_by(*inspect(self._row_type).primary_key)
        return [self._record(row) for row in self._session.scalars(query)]

    def save(self, record: RecordT) -> None:
        """Puts a record in the place of the one with the same key, or adds it; a row that never changes refuses."""
        self._session.merge(self._row(record))
        self._flush()

    def _row(self, record: RecordT) -> RowT:
        values = {name: getattr(record, name) for name in self._names}
        return self._row_type(**{name: dict(v) if isinstance(v, Mapping) else v for name, v in values.items()})

    def _record(self, row: RowT) -> RecordT:
        return self._record_type(**{name: getattr(row, name) for name in self._names})

    def _flush(self) -> None:
        table = self._row_type.__tablename__
        try:
            self._session.flush()
        except IntegrityError as error:
            if "foreign key" in str(error.orig).lower():
                raise MissingReference(f"a row of {table} points at a row that is not there: {error.orig}") from error
            raise DuplicateRow(f"{table} already has a row of this key: {error.orig}") from error
        except StatementError as error:
            raise BadRecord(f"a record of {table} cannot be stored: {error.orig}") from error


class Designs(Repository[rows.DesignPointRow, records.DesignPoint]):
    """Design points; the same design may come up in many runs."""

    def ensure_all(self, points: Iterable[records.DesignPoint]) -> None:
        """Adds those that are not there yet."""
        wanted = {point.design_id: point for point in points}
        known = set(self._session.scalars(select(rows.DesignPointRow.design_id)))
        self.add_all(point for design_id, point in wanted.items() if design_id not in known)


class Evaluations(Repository[rows.EvaluationRow, records.Evaluation]):
    """Evaluations; one of a recommended design needs a prediction that was there first."""

    def add_all(self, records: Iterable[records.Evaluation]) -> None:
        """Adds evaluations, each recommended one after its prediction.

        Raises:
            MissingPrediction: if a recommended design's metric was not predicted, or only later.
        """
        new = list(records)
        made_at = self._predictions_made_at({evaluation.run_id for evaluation in new})
        for evaluation in new:
            key = (evaluation.run_id, evaluation.design_id, evaluation.scenario, evaluation.metric)
            if evaluation.purpose == "recommended" and not (key in made_at and made_at[key] <= evaluation.evaluated_at):
                raise MissingPrediction(
                    f"no prediction of {'/'.join(key)} was logged before {evaluation.evaluated_at}: "
                    "predict a recommended design before it is evaluated"
                )
        super().add_all(new)

    def _predictions_made_at(self, run_ids: set[str]) -> dict[tuple[str, str, str, str], datetime]:
        of = rows.PredictionRow
        query = select(of.run_id, of.design_id, of.scenario, of.metric, of.made_at).where(of.run_id.in_(run_ids))
        return {
            (run, design, scenario, metric): at for run, design, scenario, metric, at in self._session.execute(query)
        }


class Recommendations(Repository[rows.RecommendationRow, records.Recommendation]):
    """Recommendations, which people name by design or by rank."""

    def named(self, run_id: str, design: str | int) -> records.Recommendation:
        """The recommendation of a run with this design id, or with this rank.

        Raises:
            NotRecorded: with the ranks and designs that the run has.
        """
        offered = self.where(run_id=run_id)
        for recommendation in offered:
            if str(design) in {recommendation.design_id, str(recommendation.rank)}:
                return recommendation
        choice = ", ".join(f"{each.rank} ({each.design_id})" for each in sorted(offered, key=lambda each: each.rank))
        raise NotRecorded(f"run {run_id} has no recommendation {design!r}; it has {choice or 'none'}")


class UnitOfWork:
    """All repositories over one transaction; Ledger.unit_of_work commits it."""

    def __init__(self, session: Session) -> None:
        self.runs = Repository(session, rows.RunRow, records.Run)
        self.designs = Designs(session, rows.DesignPointRow, records.DesignPoint)
        self.predictions = Repository(session, rows.PredictionRow, records.Prediction)
        self.evaluations = Evaluations(session, rows.EvaluationRow, records.Evaluation)
        self.recommendations = Recommendations(session, rows.RecommendationRow, records.Recommendation)
        self.decisions = Repository(session, rows.DecisionRow, records.Decision)
        self.model_versions = Repository(session, rows.ModelVersionRow, records.ModelVersion)
        self.data_versions = Repository(session, rows.DataVersionRow, records.DataVersion)
        self.generations = Repository(session, rows.GenerationRow, records.Generation)
