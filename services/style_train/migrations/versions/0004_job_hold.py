"""Holds: what an operator does not want to be claimed, nor counted as claimable by whoever starts workers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# As in 0003: names are bound when the function is made.
FUNCTION = """
DO $make$ BEGIN EXECUTE format($text$
  CREATE OR REPLACE FUNCTION oma_claimable(asked_kind text) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, %1$I, pg_temp AS $body$
    SELECT count(*) FROM %1$I.job
    WHERE kind = asked_kind
      AND run_after <= extract(epoch FROM clock_timestamp())
      AND (state = 'queued' OR (state = 'running' AND lease_until < extract(epoch FROM clock_timestamp())))
      AND NOT EXISTS (SELECT 1 FROM %1$I.job_hold WHERE job_hold.kind IN ('*', asked_kind))
  $body$ $text$, current_schema());
END $make$
"""


def upgrade() -> None:
    op.create_table(
        "job_hold",
        sa.Column("kind", sa.String(32), comment="of jobs; * for all", nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("since", sa.Double(), nullable=False, comment="seconds since 1970"),
        sa.PrimaryKeyConstraint("kind", name="pk_job_hold"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FUNCTION)
