"""Generations: which run follows which, on what chip, and how demand answered."""

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None

KEY = sa.String(length=128)


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "generations",
        sa.Column("run_id", KEY, sa.ForeignKey("runs.run_id", name="fk_generations_run_id_runs"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("previous_run_id", KEY, sa.ForeignKey("runs.run_id", name="fk_generations_previous_run_id_runs")),
        sa.Column(
            "design_id",
            KEY,
            sa.ForeignKey("design_points.design_id", name="fk_generations_design_id_design_points"),
        ),
        sa.Column("elasticity_ratio", sa.Double(), nullable=False),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_generations"),
    )


def downgrade() -> None:
    """Drops the table."""
    op.drop_table("generations")
