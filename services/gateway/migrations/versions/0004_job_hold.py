"""Holds: what an operator does not want to be claimed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_hold",
        sa.Column("kind", sa.String(32), comment="of jobs; * for all", nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("since", sa.Double(), nullable=False, comment="seconds since 1970"),
        sa.PrimaryKeyConstraint("kind", name="pk_job_hold"),
    )


def downgrade() -> None:
    op.drop_table("job_hold")
