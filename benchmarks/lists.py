"""How long lists take at the database with 100,000 assets and 10,000 jobs, on SQLite and on PostgreSQL.

python -m benchmarks.lists [--assets N] [--jobs N] prints one line of JSON: milliseconds for each list on each engine,
the mean processor time of the database, and the median and the worst time on the clock, of 20 readings of all rows
of all of a list's queries. On a machine that does nothing else the three are close; the load is printed with them.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
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
from tests.fakes.postgres import Postgres, find_binaries

OWNER, PROJECT = "a" * 32, "b" * 32
BOUND_MS = 50.0
ROUNDS = 20
LINKS = Links(b"benchmark")
Read = Callable[[Session], object]


def engines() -> Iterator[tuple[str, str, Callable[[], None]]]:
    """Name and address of each engine, and how to end it."""
    with tempfile.TemporaryDirectory(prefix="oma-lists-") as folder:
        yield "sqlite", f"sqlite:///{folder}/gateway.db", lambda: None
    if (binaries := find_binaries()) is not None:
        with tempfile.TemporaryDirectory(prefix="oma-lists-") as folder:
            server = Postgres(Path(folder), binaries)
            yield "postgresql", server.new_database(), lambda: server.stop("immediate")


def reads(asset_count: int) -> dict[str, Read]:
    middle = cursor_at(START + (asset_count // 2) * (START.resolution * 1_000_000), "0" * 32)

    def assets(cursor: str | None = None, order: AssetOrder = "newest", **wanted: object) -> Read:
        def read(db: Session) -> object:
            kept = AssetFilter(**wanted)  # type: ignore[arg-type]
            rows, _ = live_assets(db, PROJECT, kept, order=order, cursor=cursor, limit=50)
            return asset_answers(db, rows, LINKS)

        return read

    def jobs(**wanted: object) -> Read:
        asked = {"project_id": None, "state": None, "cursor": None, "limit": 50} | wanted
        return lambda db: list_jobs(db, OWNER, LINKS, **asked)  # type: ignore[arg-type]

    return {
        "assets": assets(),
        "assets_middle": assets(cursor=middle),
        "assets_starred": assets(starred=True),
        "assets_other_kind": assets(kind="character"),
        "assets_search_one": assets(text="000123"),
        "assets_search_none": assets(text="nowhere"),
        "assets_folder": assets(folder="7화"),
        "assets_folder_none": assets(folder="nowhere"),
        "assets_oldest": assets(order="oldest"),
        "assets_by_name": assets(order="name"),
        "assets_by_name_search_one": assets(order="name", text="000123"),
        "assets_by_name_folder_none": assets(order="name", folder="nowhere"),
        "folders": lambda db: folders(db, PROJECT),
        "trash": lambda db: asset_answers(db, trashed_assets(db, OWNER, None, cursor=None, limit=50)[0], LINKS),
        "jobs": jobs(),
        "jobs_of_project": jobs(project_id=PROJECT),
        "jobs_failed": jobs(state="failed"),
        "jobs_queued": jobs(state="queued", limit=100),
        "stored_bytes": lambda db: stored_bytes(db, OWNER),
    }


def measure(url: str, asset_count: int, job_count: int) -> dict[str, dict[str, float]]:
    engine = create_database_engine(url)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        migrate(engine)
        fill(engine, assets=asset_count, job_count=job_count, owner=OWNER, project=PROJECT)
        if engine.dialect.name == "postgresql":  # what autovacuum does by itself
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM ANALYZE")
        return {name: _times(engine, read) for name, read in reads(asset_count).items()}


def _times(engine: sa.Engine, read: Read) -> dict[str, float]:
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        sent.append((statement, parameters))

    with Session(engine) as db:
        db.connection()
        event.listen(engine, "before_cursor_execute", note)
        read(db)
        event.remove(engine, "before_cursor_execute", note)
    found = []
    with engine.connect() as connection:
        used = _processor(connection)
        _replay(connection, sent)  # warms up
        began_cpu = used()
        for _ in range(ROUNDS):
            began = time.perf_counter()
            _replay(connection, sent)
            found.append(1000 * (time.perf_counter() - began))
        cpu_ms = 1000 * (used() - began_cpu) / ROUNDS
    return {
        "cpu_ms": round(cpu_ms, 2),
        "median_ms": round(statistics.median(found), 2),
        "worst_ms": round(max(found), 2),
    }


def _replay(connection: sa.Connection, sent: list[tuple[str, Any]]) -> None:
    for statement, parameters in sent:
        connection.exec_driver_sql(statement, parameters).fetchall()


def _processor(connection: sa.Connection) -> Callable[[], float]:
    """Seconds of processor time that the database has used: PostgreSQL's is another process, SQLite is this thread."""
    if connection.dialect.name == "sqlite":
        return time.thread_time
    backend = psutil.Process(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
    return lambda: sum(backend.cpu_times()[:2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=10_000)
    asked = parser.parse_args()
    found = {}
    for name, url, end in engines():
        try:
            found[name] = measure(url, asked.assets, asked.jobs)
        finally:
            end()
    over = {
        kind: [f"{e}.{n}" for e, lists in found.items() for n, times in lists.items() if times[kind] > BOUND_MS]
        for kind in ("cpu_ms", "median_ms")
    }
    line = {"assets": asked.assets, "jobs": asked.jobs, "bound_ms": BOUND_MS, "over_bound": over, "lists": found}
    print(json.dumps(line | {"load": os.getloadavg()[0], "processors": os.cpu_count()}))


if __name__ == "__main__":
    main()
