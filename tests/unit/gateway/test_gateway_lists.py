"""Lists cost the same few queries however much there is, and every one goes by an index, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import Session

from services.common.databases import create_database_engine
from services.gateway.assets_view import AssetFilter, AssetOrder, asset_answers, folders, live_assets, trashed_assets
from services.gateway.database import migrate
from services.gateway.jobs_view import list_jobs
from services.gateway.limits import stored_bytes
from services.gateway.links import Links
from services.gateway.queries import cursor_at
from tests.fakes.many_rows import START, fill
from tests.fakes.postgres import Postgres

OWNER, PROJECT, LINKS = "a" * 32, "b" * 32, Links(b"test")
CURSOR = cursor_at(START + START.resolution * 100_000_000, "0" * 32)
Statement = tuple[str, Any]
Read = Callable[[Session], object]


def assets(cursor: str | None = None, order: AssetOrder = "newest", **wanted: Any) -> Read:
    return lambda db: asset_answers(
        db, live_assets(db, PROJECT, AssetFilter(**wanted), order=order, cursor=cursor, limit=50)[0], LINKS
    )


def jobs(**wanted: Any) -> Read:
    asked: dict[str, Any] = {"project_id": None, "state": None, "cursor": None, "limit": 50} | wanted
    return lambda db: list_jobs(db, OWNER, LINKS, **asked)


LISTS: dict[str, tuple[int, Read]] = {  # how many queries each may cost
    "assets": (2, assets()),
    "assets after a cursor": (2, assets(cursor=CURSOR)),
    "assets with a star": (2, assets(starred=True)),
    "assets by text": (2, assets(text="골목")),
    "assets of a folder": (2, assets(folder="7화")),
    "the oldest assets": (2, assets(order="oldest")),
    "assets by name": (2, assets(order="name")),
    "assets by name after a cursor": (2, assets(order="name", cursor=cursor_at("달빛 골목 000123", "0" * 32))),
    "folders": (1, lambda db: folders(db, PROJECT)),
    "trash": (2, lambda db: asset_answers(db, trashed_assets(db, OWNER, None, cursor=None, limit=50)[0], LINKS)),
    "jobs": (4, jobs()),
    "jobs of a project": (4, jobs(project_id=PROJECT)),
    "jobs that failed": (3, jobs(state="failed")),
    "jobs that wait": (4, jobs(state="queued", limit=100)),
    "bytes": (4, lambda db: stored_bytes(db, OWNER)),
}


@contextmanager
def statements(engine: sa.Engine) -> Iterator[list[Statement]]:
    """What is sent to the database meanwhile."""
    sent: list[Statement] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:  # noqa: FBT001
        sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def run(engine: sa.Engine, read: Read) -> list[Statement]:
    with Session(engine) as db:
        db.connection()
        with statements(engine) as sent:
            read(db)
    return sent


def scans(engine: sa.Engine, sent: list[Statement]) -> list[str]:
    """The steps of the plans that read a whole table, where an index could be used."""
    found = []
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":  # so few rows are read faster without; shown is that it can be done
            connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, parameters in sent:
            prefix = "EXPLAIN " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
            steps = [str(row[-1]) for row in connection.exec_driver_sql(prefix + statement, parameters)]
            found += [step for step in steps if "Seq Scan" in step or _is_scan(step)]
    return found


def _is_scan(step: str) -> bool:
    """SQLite's word for a whole table; a subquery's own few rows are none."""
    return step.startswith("SCAN") and step.split()[1] in ("asset", "asset_file", "job", "job_request", "result")


def filled(url: str, assets_count: int, job_count: int) -> sa.Engine:
    engine = create_database_engine(url)
    migrate(engine)
    fill(engine, assets=assets_count, job_count=job_count, owner=OWNER, project=PROJECT)
    fill(engine, assets=20, job_count=20, owner="c" * 32, project="d" * 32)
    return engine


def check(engine: sa.Engine) -> None:
    for name, (count, read) in LISTS.items():
        sent = run(engine, read)
        assert 0 < len(sent) <= count, f"{name}: {len(sent)} queries"
        assert scans(engine, sent) == [], name


def test_lists_go_by_indexes_on_sqlite(tmp_path: Path) -> None:
    engine = filled(f"sqlite:///{tmp_path}/gateway.db", 400, 400)
    check(engine)
    with engine.begin() as connection:  # the check is not blind
        for index in sa.inspect(connection).get_indexes("asset"):
            connection.exec_driver_sql(f"DROP INDEX {index['name']}")
    engine.dispose()  # SQLite remembers the plans that it has explained
    assert scans(engine, run(engine, assets())) != []
    engine.dispose()


def test_lists_go_by_indexes_on_postgresql(postgres: Postgres) -> None:
    engine = filled(postgres.new_database(), 400, 400)
    check(engine)
    engine.dispose()


def test_a_list_costs_as_many_queries_with_many_rows_as_with_few(tmp_path: Path) -> None:
    counts = []
    for number, rows in enumerate((120, 360)):
        engine = filled(f"sqlite:///{tmp_path}/{number}.db", rows, rows)
        counts.append({name: len(run(engine, read)) for name, (_, read) in LISTS.items()})
        engine.dispose()
    assert counts[0] == counts[1]
