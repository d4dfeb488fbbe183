"""Run by Alembic, on the connection that `services.common.databases.upgrade` opened."""

from alembic import context

from services.style_train.store import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
