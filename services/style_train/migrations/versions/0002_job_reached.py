"""How far a job's furthest checkpoint is: only a further one is progress."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    meaning = "how far the furthest checkpoint is"
    op.add_column("job", sa.Column("reached", sa.Integer(), nullable=False, server_default="0", comment=meaning))


def downgrade() -> None:
    op.drop_column("job", "reached")
