"""The first tables: runs and designs, what was said of them, what was recommended and decided, which data was read."""

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.String(length=128)
MOMENT = sa.DateTime(timezone=True)
WORD = sa.String(length=16)


def upgrade() -> None:
    """Creates the tables, those that others point at first."""
    _create_subjects()
    _create_statements()
    _create_recommendations()


def downgrade() -> None:
    """Drops the tables, those that point at others first."""
    for table in ("recommendation_status", "recommendations", "predictions", "evaluations", "data_versions"):
        op.drop_table(table)
    op.drop_index("ix_runs_dataset", "runs")
    for table in ("runs", "model_versions", "design_points"):
        op.drop_table(table)


def _of_run_and_design(table: str) -> list[sa.Column[str]]:
    """The two columns that say which run and which design a row is about."""
    return [
        sa.Column("run_id", KEY, sa.ForeignKey("runs.run_id", name=f"fk_{table}_run_id_runs"), nullable=False),
        sa.Column(
            "design_id",
            KEY,
            sa.ForeignKey("design_points.design_id", name=f"fk_{table}_design_id_design_points"),
            nullable=False,
        ),
    ]


def _create_subjects() -> None:
    op.create_table(
        "design_points",
        sa.Column("design_id", KEY, nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("design_id", name="pk_design_points"),
    )
    op.create_table(
        "model_versions",
        sa.Column("version", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("trained_on", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_model_versions"),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("dataset", KEY, nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("baseline_chip", KEY, nullable=False),
        sa.Column("llm_mix", sa.JSON(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("status", WORD, nullable=False),
        sa.Column("code_version", KEY, nullable=False),
        sa.Column("snapshots", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_runs"),
    )
    op.create_index("ix_runs_dataset", "runs", ["dataset"])


def _create_statements() -> None:
    op.create_table(
        "data_versions",
        sa.Column("run_id", KEY, sa.ForeignKey("runs.run_id", name="fk_data_versions_run_id_runs"), nullable=False),
        sa.Column("table_name", KEY, nullable=False),
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "table_name", "snapshot_id", name="pk_data_versions"),
    )
    op.create_table(
        "evaluations",
        *_of_run_and_design("evaluations"),
        sa.Column("scenario", KEY, nullable=False),
        sa.Column("metric", KEY, nullable=False),
        sa.Column("purpose", WORD, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("evaluated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "design_id", "scenario", "metric", "purpose", name="pk_evaluations"),
    )
    op.create_table(
        "predictions",
        *_of_run_and_design("predictions"),
        sa.Column("scenario", KEY, nullable=False),
        sa.Column("metric", KEY, nullable=False),
        sa.Column("mean", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("model_version", KEY, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "design_id", "scenario", "metric", name="pk_predictions"),
    )


def _create_recommendations() -> None:
    op.create_table(
        "recommendations",
        *_of_run_and_design("recommendations"),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("change", sa.JSON(), nullable=False),
        sa.Column("predicted_gain_ratio", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("reevaluated_gain_ratio", sa.Double()),
        sa.Column("status", WORD, nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "design_id", name="pk_recommendations"),
        sa.UniqueConstraint("run_id", "rank", name="uq_recommendations_run_id_rank"),
    )
    op.create_table(
        "recommendation_status",
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("design_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "design_id"],
            ["recommendations.run_id", "recommendations.design_id"],
            name="fk_recommendation_status_run_id_design_id_recommendations",
        ),
        sa.PrimaryKeyConstraint("run_id", "design_id", "number", name="pk_recommendation_status"),
    )
