"""Databases that were begun with the very first tables: newer versions bring them up to date and lose no row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import Session, select

from services.common.databases import create_database_engine, upgrade
from services.common.leases.queue import LeaseQueue
from services.gateway import database, tables
from services.style_train import store

MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ROWS = 3
GIVEN: dict[str, Any] = {
    "state": "queued",
    "payload": {},
    "progress": {},
    "checkpoint": {},
    "request": {},
    "settings": {},
    "run_after": 0.0,
    "lease_until": 0.0,
    "cancel_requested": False,
    "result": None,
    "error": None,
    "worker": None,
}
"""What the columns of jobs and settings hold; the others are filled by their types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """One service's tables and how they come to a revision."""

    migrate: Callable[[sa.Engine, str], None]
    metadata: sa.MetaData


SERVICES = {
    "gateway": Owned(migrate=database.migrate, metadata=tables.metadata),
    "style_train": Owned(
        migrate=lambda engine, revision: upgrade(engine, store.MIGRATIONS, revision), metadata=store.metadata
    ),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres").new_database() if on_postgres else f"sqlite:///{tmp_path}/old.db"
    made = create_database_engine(url)
    yield made
    made.dispose()


def value(column: sa.Column[Any], row: int) -> Any:
    if column.name in GIVEN:
        return GIVEN[column.name]
    kinds = {sa.DateTime: MOMENT, sa.Boolean: True, sa.JSON: [], sa.Integer: row, sa.Float: 1.0 + row}
    for kind, filled in kinds.items():
        if isinstance(column.type, kind):
            return filled
    return f"{column.name}-{row}"


def fill(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    """Rows in every table there is; returns them by table."""
    old = sa.MetaData()
    old.reflect(engine)
    written = {}
    with engine.begin() as connection:
        for table in old.sorted_tables:
            if table.name == "alembic_version":
                continue
            written[table.name] = [{one.name: value(one, row) for one in table.columns} for row in range(ROWS)]
            connection.execute(sa.insert(table), written[table.name])
    return written


def read(engine: sa.Engine, table: sa.Table, names: list[str]) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        rows = connection.execute(sa.select(*(table.c[name] for name in names)).order_by(table.c[names[0]]))
        return [dict(row) for row in rows.mappings()]


@pytest.mark.parametrize("service", SERVICES)
def test_rows_of_the_first_tables_are_all_there_after_every_migration(engine: sa.Engine, service: str) -> None:
    owned = SERVICES[service]
    owned.migrate(engine, "0001")
    written = fill(engine)
    owned.migrate(engine, "head")
    assert written
    for name, rows in written.items():
        found = read(engine, owned.metadata.tables[name], list(rows[0]))
        assert [plain(row) for row in found] == [plain(row) for row in rows], name
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), owned.metadata) == []


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """SQLite keeps no time zone; what it keeps is UTC."""
    return {name: one.replace(tzinfo=None) if isinstance(one, datetime) else one for name, one in row.items()}


def test_what_the_gateway_kept_at_first_is_what_today_reads(engine: sa.Engine) -> None:
    database.migrate(engine, "0001")
    fill(engine)
    database.migrate(engine, "head")
    with Session(engine) as session:
        for kind in (tables.Account, tables.Project, tables.Picture, tables.Style, tables.Pose, tables.Result):
            assert len(session.exec(select(kind)).all()) == ROWS, kind
        styles, assets = session.exec(select(tables.Style)).all(), session.exec(select(tables.Asset)).all()
        assert [(one.lineage_id, one.version, one.in_use) for one in styles] == [(one.id, 1, True) for one in styles]
        assert [one.search_text for one in assets] == [
            tables.search_text(one.name, [], one.description, "") for one in assets
        ]
        assert [one.name_order for one in assets] == [tables.name_order(one.name) for one in assets]
        assert [(one.folder, one.tags) for one in assets] == [("", [])] * ROWS
        assert len({one.id for one in session.exec(select(tables.SignIn))}) == ROWS
        assert len({one.id for one in session.exec(select(tables.Token))}) == ROWS


@pytest.mark.parametrize("service", SERVICES)
def test_a_job_that_waited_since_the_first_tables_is_taken_up(engine: sa.Engine, service: str) -> None:
    owned = SERVICES[service]
    owned.migrate(engine, "0001")
    fill(engine)
    owned.migrate(engine, "head")
    queue = LeaseQueue(engine, owned.metadata.tables["job"])
    kinds = [f"kind-{row}" for row in range(ROWS)]
    taken = [queue.claim(kinds, worker="new", ttl_seconds=30) for _ in range(ROWS + 1)]
    assert sorted(lease.job.id for lease in taken if lease is not None) == [f"id-{row}" for row in range(ROWS)]
