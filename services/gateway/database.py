"""Brings the gateway's database to the newest tables."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 0x6F6D6101  # "oma", 1: one number for each of our databases


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Run what migrations are missing, in one transaction; whoever starts second waits and finds nothing to do."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
