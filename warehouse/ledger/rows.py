"""The ledger's tables as typed SQLAlchemy models; a change here needs a migration beside it."""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from warehouse.ledger.records import Purpose, RecommendationStatus, RunStatus

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
KEY = String(128)
JsonObject = dict[str, object]


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC on every database; refuses a time without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """To the database."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: give it one, for example datetime.now(UTC)")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """From the database; SQLite forgets the zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _words(vocabulary: type[StrEnum]) -> Enum:
    """A closed vocabulary, kept as its words."""
    return Enum(vocabulary, native_enum=False, length=16, values_callable=lambda words: [word.value for word in words])


class Row(DeclarativeBase):
    """Base of every table of the ledger."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime,
        JsonObject: JSON,
        RunStatus: _words(RunStatus),
        Purpose: _words(Purpose),
        RecommendationStatus: _words(RecommendationStatus),
    }


class RunRow(Row):
    """Table of Run."""

    __tablename__ = "runs"

    run_id: Mapped[str] = mapped_column(KEY, primary_key=True)
    dataset: Mapped[str] = mapped_column(KEY, index=True)
    seed: Mapped[int] = mapped_column(BigInteger)
    baseline_chip: Mapped[str] = mapped_column(KEY)
    llm_mix: Mapped[JsonObject]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    status: Mapped[RunStatus]
    code_version: Mapped[str] = mapped_column(KEY)
    snapshots: Mapped[JsonObject]


class DesignPointRow(Row):
    """Table of DesignPoint."""

    __tablename__ = "design_points"

    design_id: Mapped[str] = mapped_column(KEY, primary_key=True)
    parameters: Mapped[JsonObject]
    created_at: Mapped[datetime]


class PredictionRow(Row):
    """Table of Prediction; never changed."""

    __tablename__ = "predictions"

    run_id: Mapped[str] = mapped_column(KEY, ForeignKey("runs.run_id"), primary_key=True)
    design_id: Mapped[str] = mapped_column(KEY, ForeignKey("design_points.design_id"), primary_key=True)
    scenario: Mapped[str] = mapped_column(KEY, primary_key=True)
    metric: Mapped[str] = mapped_column(KEY, primary_key=True)
    mean: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    model_version: Mapped[str] = mapped_column(KEY)
    made_at: Mapped[datetime]


class EvaluationRow(Row):
    """Table of Evaluation; never changed. A design that was trained on can also be recommended."""

    __tablename__ = "evaluations"

    run_id: Mapped[str] = mapped_column(KEY, ForeignKey("runs.run_id"), primary_key=True)
    design_id: Mapped[str] = mapped_column(KEY, ForeignKey("design_points.design_id"), primary_key=True)
    scenario: Mapped[str] = mapped_column(KEY, primary_key=True)
    metric: Mapped[str] = mapped_column(KEY, primary_key=True)
    purpose: Mapped[Purpose] = mapped_column(primary_key=True)
    value: Mapped[float]
    evaluated_at: Mapped[datetime]


class RecommendationRow(Row):
    """Table of Recommendation."""

    __tablename__ = "recommendations"
    __table_args__ = (UniqueConstraint("run_id", "rank"),)

    run_id: Mapped[str] = mapped_column(KEY, ForeignKey("runs.run_id"), primary_key=True)
    design_id: Mapped[str] = mapped_column(KEY, ForeignKey("design_points.design_id"), primary_key=True)
    rank: Mapped[int]
    change: Mapped[JsonObject]
    predicted_gain_ratio: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    reevaluated_gain_ratio: Mapped[float | None]
    status: Mapped[RecommendationStatus]
    evidence: Mapped[JsonObject]


class DecisionRow(Row):
    """Table of Decision: the history of each recommendation's status."""

    __tablename__ = "recommendation_status"
    __table_args__ = (
        ForeignKeyConstraint(["run_id", "design_id"], ["recommendations.run_id", "recommendations.design_id"]),
    )

    run_id: Mapped[str] = mapped_column(KEY, primary_key=True)
    design_id: Mapped[str] = mapped_column(KEY, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[RecommendationStatus]
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class ModelVersionRow(Row):
    """Table of ModelVersion."""

    __tablename__ = "model_versions"

    version: Mapped[str] = mapped_column(KEY, primary_key=True)
    kind: Mapped[str] = mapped_column(KEY)
    trained_on: Mapped[JsonObject]
    created_at: Mapped[datetime]


class DataVersionRow(Row):
    """Table of DataVersion."""

    __tablename__ = "data_versions"

    run_id: Mapped[str] = mapped_column(KEY, ForeignKey("runs.run_id"), primary_key=True)
    table: Mapped[str] = mapped_column("table_name", KEY, primary_key=True)
    snapshot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)


class GenerationRow(Row):
    """Table of Generation."""

    __tablename__ = "generations"

    run_id: Mapped[str] = mapped_column(KEY, ForeignKey("runs.run_id"), primary_key=True)
    number: Mapped[int]
    previous_run_id: Mapped[str | None] = mapped_column(KEY, ForeignKey("runs.run_id"))
    design_id: Mapped[str | None] = mapped_column(KEY, ForeignKey("design_points.design_id"))
    elasticity_ratio: Mapped[float]
    moved: Mapped[JsonObject]
