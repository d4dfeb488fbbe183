"""Rows as lines of JSON that any database of ours can take: moments in UTC, columns of JSON as the text they are."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from services.common.databases import reading
from services.common.errors import NotReady
from services.common.leases.holds import TABLE as HOLDS
from services.common.named import Row

NOT_OURS_TO_KEEP = ("alembic_version", HOLDS)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What was written of one table."""

    rows: int
    sha256: str


class _JsonText(sa.types.UserDefinedType[str]):
    """JSON of PostgreSQL, as text both ways: what was written stays as it was."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSON"

    def column_expression(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.cast(column, sa.Text)

    def bind_expression(self, bindvalue: sa.BindParameter[Any]) -> sa.ColumnElement[Any]:
        return sa.type_coerce(bindvalue, sa.Text).op("::")(sa.literal_column("json"))


@contextmanager
def snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that sees one moment of all tables, however long it reads, and holds nobody up."""
    with reading(engine).connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True, stream_results=True
            )
        yield connection


def table_names(connection: sa.Connection) -> list[str]:
    return sorted(set(sa.inspect(connection).get_table_names()) - set(NOT_OURS_TO_KEEP))


def described(connection: sa.Connection, name: str) -> tuple[sa.TableClause, list[str]]:
    """A table as the database has it, whatever revision that is; and its primary key.

    Raises:
        NotReady: it has a column of a kind that these lines cannot carry.
    """
    inspector = sa.inspect(connection)
    on_postgres = connection.dialect.name == "postgresql"
    columns = [
        sa.column(found["name"], _carried(name, found["name"], found["type"], on_postgres=on_postgres))
        for found in inspector.get_columns(name)
    ]
    return sa.table(name, *columns), inspector.get_pk_constraint(name)["constrained_columns"]


def _carried(table: str, column: str, kind: Any, *, on_postgres: bool) -> sa.types.TypeEngine[Any]:
    if isinstance(kind, sa.JSON):
        return _JsonText() if on_postgres else sa.Text()
    if isinstance(kind, sa.DateTime):
        return sa.DateTime(timezone=on_postgres)
    for carried in (sa.Boolean, sa.Date, sa.Integer, sa.Float, sa.String):
        if isinstance(kind, carried):
            return kind
    raise NotReady(f"{table}.{column} is {kind!r}, which a backup cannot carry", reason="COLUMN_KIND")


def read(connection: sa.Connection, name: str) -> Iterator[dict[str, Any]]:
    """Every row of a table in the order of its key, with values that JSON has."""
    table, key = described(connection, name)
    query = sa.select(table).order_by(*(table.c[column] for column in key))
    for row in connection.execution_options(yield_per=_AT_ONCE).execute(query).mappings():
        yield {column: _plain(value) for column, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
        return aware.astimezone(dt.UTC).isoformat()
    return value.isoformat() if isinstance(value, dt.date) else value


def write_lines(path: Path, rows: Iterable[Row]) -> Lines:
    digest, count = hashlib.sha256(), 0
    with path.open("wb") as file:
        for row in rows:
            line = json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n"
            file.write(line)
            digest.update(line)
            count += 1
    return Lines(rows=count, sha256=digest.hexdigest())


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)


def insert(connection: sa.Connection, name: str, rows: Iterable[Row]) -> int:
    """Write rows into a table that is there; returns how many."""
    table, _ = described(connection, name)
    back = {column.name: _from_plain(column.type) for column in table.c}
    count = 0
    for some in _in_batches(rows):
        connection.execute(sa.insert(table), [_values(row, back) for row in some])
        count += len(some)
    return count


def _values(row: Row, back: Mapping[str, Callable[[Any], Any] | None]) -> dict[str, Any]:
    return {
        column: value if value is None or (convert := back[column]) is None else convert(value)
        for column, value in row.items()
    }


def _from_plain(kind: sa.types.TypeEngine[Any]) -> Callable[[Any], Any] | None:
    if isinstance(kind, sa.DateTime):
        return _aware if kind.timezone else lambda text: _aware(text).replace(tzinfo=None)
    return dt.date.fromisoformat if isinstance(kind, sa.Date) else None


def _aware(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def _in_batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rest = iter(rows)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
