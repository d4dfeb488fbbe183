"""The trace that a job's request was made in."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    meaning = "of the request that asked for the job"
    op.add_column("job", sa.Column("traceparent", sa.String(64), comment=meaning))


def downgrade() -> None:
    op.drop_column("job", "traceparent")
