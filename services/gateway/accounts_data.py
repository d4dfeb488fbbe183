"""Everything that the gateway knows of one account: packed for its owner, or removed."""

import datetime as dt
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from services.common.artifacts import ArtifactStore
from services.common.errors import NotFound
from services.gateway.files import PREFIX
from services.gateway.tables import Account, Receipt, jobs, metadata, utc_now

_SECRETS = {"password_hash", "token_sha256", "secret_sha256"}
_ROWS_AT_ONCE = 500
README = """Everything that we keep of you.

data/    what is written in our database, a file for each table
files/   your pictures, drawings, assets, poses and learned styles; data/ names them as key
"""


def exports_prefix(account_id: str) -> str:
    return f"{account_id}/{PREFIX}/exports/"


def owner_column(table: sa.Table) -> sa.Column[Any] | None:
    """The column that says whose a row is; None for a table that is nobody's."""
    if table.name == Account.__tablename__:
        return table.c.id
    return next((table.c[name] for name in ("account_id", "owner") if name in table.c), None)


def write_export(path: Path, engine: sa.Engine, store: ArtifactStore, account_id: str) -> None:
    """Pack all rows, without secrets, and all files of an account."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README)
        for table in metadata.sorted_tables:
            owner = owner_column(table)
            if owner is not None:
                with archive.open(f"data/{table.name}.jsonl", "w") as file:
                    for row in _rows(engine, table, owner, account_id):
                        file.write(json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n")
        for key in store.keys(f"{account_id}/"):
            if not key.startswith(exports_prefix(account_id)):
                _add_file(archive, store, key, account_id)


def _rows(engine: sa.Engine, table: sa.Table, owner: sa.Column[Any], account_id: str) -> Iterator[dict[str, Any]]:
    """Read a batch at a time, each in a transaction of its own: SQLite has one at a time."""
    key = list(table.primary_key)
    last: tuple[Any, ...] | None = None
    while True:
        query = sa.select(table).where(owner == account_id).order_by(*key).limit(_ROWS_AT_ONCE)
        if last is not None:
            query = query.where(sa.tuple_(*key) > last)
        with engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        for row in rows:
            yield {name: value for name, value in row.items() if name not in _SECRETS}
        if len(rows) < _ROWS_AT_ONCE:
            return
        last = tuple(rows[-1][column.name] for column in key)


def _add_file(archive: zipfile.ZipFile, store: ArtifactStore, key: str, account_id: str) -> None:
    try:
        content = store.get(key)
    except NotFound:
        return  # deleted since it was listed
    name = zipfile.ZipInfo(f"files/{key.removeprefix(account_id + '/')}", dt.datetime.now(dt.UTC).timetuple()[:6])
    archive.writestr(name, content)  # stored as it is: pictures and weights are compressed already


def delete_rows(db: Session, account_id: str, *, but_job: str) -> dict[str, int]:
    """Remove every row of an account, but for the job that does this; returns how many of what. The caller commits."""
    counts: dict[str, int] = {}
    for table in reversed(metadata.sorted_tables):
        owner = owner_column(table)
        if owner is None:
            continue
        statement = sa.delete(table).where(owner == account_id)
        if table is jobs:
            statement = statement.where(jobs.c.id != but_job)
        if count := db.connection().execute(statement).rowcount:
            counts[table.name] = count
    return counts


def write_receipt(connection: sa.Connection, job_id: str, receipt_id: str, deleted: dict[str, int]) -> None:
    """Say that the deletion has ended, and remove the job that did it: the last thing that names the account."""
    ended = sa.update(Receipt).where(col(Receipt.id) == receipt_id)
    connection.execute(ended.values(ended_at=utc_now(), deleted=deleted))
    connection.execute(sa.delete(jobs).where(jobs.c.id == job_id))
