"""How many trainings wait for a worker, as a function that whoever starts workers may call without reading a row.

It counts what `LeaseQueue.claim` would take. SQLite has no roles and no functions, and nobody scales on it.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Names are bound when the function is made, so that a caller's own schemas and temporary tables change nothing.
FUNCTION = """
DO $make$ BEGIN EXECUTE format($text$
  CREATE FUNCTION oma_claimable(asked_kind text) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, %1$I, pg_temp AS $body$
    SELECT count(*) FROM %1$I.job
    WHERE kind = asked_kind
      AND run_after <= extract(epoch FROM clock_timestamp())
      AND (state = 'queued' OR (state = 'running' AND lease_until < extract(epoch FROM clock_timestamp())))
  $body$ $text$, current_schema());
END $make$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FUNCTION)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION oma_claimable(text)")
