"""Database engines with the settings that durable jobs rely on.

SQLite: write-ahead log on a local disk, full synchronisation, and every transaction begun IMMEDIATE, so that two
processes never both believe that they hold the same row. Only what reads and nothing else may begin without a lock.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.exc import InterfaceError, OperationalError

from services.common.errors import Unavailable

_PATIENCE_SECONDS = 30.0
_SQLITE_PRAGMAS = (
    *("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"),
    "secure_delete=ON",  # what is deleted is overwritten, for the promise is that nothing stays
)


DOWN = (OperationalError, InterfaceError)
"""What SQLAlchemy raises when a database cannot be reached, was cut off, or is not ready yet."""


def database_down() -> Unavailable:
    return Unavailable("the database cannot be reached just now: try again", reason="DATABASE_DOWN")


@contextmanager
def database_errors() -> Iterator[None]:
    """Let callers hear of a database that is down as of any part that is down.

    Raises:
        Unavailable: in the place of SQLAlchemy's errors. Whether what was written last is there is not known then.
    """
    try:
        yield
    except DOWN as error:
        raise database_down() from error


def create_database_engine(url: str) -> sa.Engine:
    """An engine for `sqlite:///path` or `postgresql+psycopg://...`; the folder of a SQLite file is made."""
    if not url.startswith("sqlite"):
        return sa.create_engine(
            url, pool_pre_ping=True, pool_size=4, connect_args={"connect_timeout": 3}, hide_parameters=True
        )
    path = sa.make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": 30}, hide_parameters=True)  # errors quote no requests
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in _SQLITE_PRAGMAS:
        _execute_patiently(connection, f"PRAGMA {pragma}")


def _execute_patiently(connection: Any, statement: str) -> None:
    """Two processes that switch a new file to the write-ahead log at once are refused; SQLite lets neither wait."""
    patience_ends = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError:
            if time.monotonic() > patience_ends:
                raise
            time.sleep(0.02)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def reading(engine: sa.Engine) -> sa.Engine:
    """The same engine for transactions that only read: on SQLite these neither wait for a writer nor hold one up."""
    return engine.execution_options(reads_only=True)


def upgrade(engine: sa.Engine, migrations: Path, revision: str = "head") -> None:
    """Bring a service's tables to the newest revision of its Alembic folder, or up to this one. Safe from several
    processes at once.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations))
    with engine.begin() as connection:  # SQLite: begun IMMEDIATE, so the second process waits and finds nothing to do
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7313)")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
