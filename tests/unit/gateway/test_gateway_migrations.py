"""The migrations make the tables that the code describes, on SQLite and on PostgreSQL."""

import threading
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.common.databases import create_database_engine
from services.gateway.database import migrate
from services.gateway.tables import metadata


def drift(engine: sa.Engine) -> list[object]:
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def test_there_is_no_drift_between_migrations_and_tables(tmp_path: Path) -> None:
    engine = create_database_engine(f"sqlite:///{tmp_path}/new.db")
    migrate(engine)
    assert drift(engine) == []
    with engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX ix_picture_account_id_created_at_id"))
    assert drift(engine) != []
    engine.dispose()


def test_two_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    engines = [create_database_engine(f"sqlite:///{tmp_path}/new.db") for _ in range(4)]
    failures: list[BaseException] = []

    def run(engine: sa.Engine) -> None:
        try:
            migrate(engine)
        except BaseException as error:  # noqa: BLE001 (shown below, outside of the thread)
            failures.append(error)

    threads = [threading.Thread(target=run, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert drift(engines[0]) == []
    for engine in engines:
        engine.dispose()
