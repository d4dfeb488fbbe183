"""Reading rows of one account. Another account's id is answered exactly as one that does not exist."""

import base64
import binascii
import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import sqlalchemy as sa
from fastapi import Query
from sqlmodel import Session, col, select

from services.common.errors import InvalidInput, NotFound
from services.gateway.tables import InProject, Owned

R = TypeVar("R", bound=Owned)
P = TypeVar("P", bound=InProject)

Cursor = Annotated[str | None, Query(max_length=600, description="`next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=100, description="At most this many items.")]


def owned(db: Session, table: type[R], row_id: str, account_id: str) -> R:
    """The account's own row; NotFound for any other."""
    row = db.get(table, row_id) if is_id(row_id) else None
    if row is None or row.account_id != account_id:
        raise _not_found(table)
    return row


def owned_in_project(db: Session, table: type[P], ids: Sequence[str], project_id: str, account_id: str) -> list[P]:
    """The rows with these ids, in this order; NotFound when any is not of this project and account."""
    known = [row_id for row_id in ids if is_id(row_id)]
    query = select(table).where(
        col(table.id).in_(known), table.project_id == project_id, table.account_id == account_id
    )
    found = {row.id: row for row in db.exec(query)}
    if set(found) != set(ids):
        raise _not_found(table)
    return [found[row_id] for row_id in ids]


def page(
    db: Session, table: type[R], *where: sa.ColumnElement[bool], cursor: str | None, limit: int
) -> tuple[list[R], str | None]:
    """The newest rows that come after `cursor`, and the cursor to go on with."""
    query = select(table).where(*where)
    if cursor is not None:
        moment, row_id = read_cursor(cursor)
        query = query.where(sa.tuple_(col(table.created_at), col(table.id)) < (moment, row_id))
    rows = list(db.exec(query.order_by(col(table.created_at).desc(), col(table.id).desc()).limit(limit + 1)))
    more = cursor_at(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None
    return rows[:limit], more


def cursor_at(place: dt.datetime | str, row_id: str) -> str:
    """Where a list that goes by moments, or by names, goes on."""
    told = place.isoformat() if isinstance(place, dt.datetime) else place
    return base64.urlsafe_b64encode(f"{told} {row_id}".encode()).decode()


def read_cursor(cursor: str) -> tuple[dt.datetime, str]:
    moment, row_id = read_name_cursor(cursor)
    try:
        return dt.datetime.fromisoformat(moment).astimezone(dt.UTC), row_id
    except (OverflowError, ValueError) as error:
        raise _not_a_cursor() from error


def read_name_cursor(cursor: str) -> tuple[str, str]:
    """For a list that goes by names."""
    try:
        name, _, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().rpartition(" ")
    except (binascii.Error, ValueError) as error:
        raise _not_a_cursor() from error
    if not is_id(row_id) or "\x00" in name:
        raise _not_a_cursor()
    return name, row_id


def is_id(text: str) -> bool:
    """Whether it looks like an id of ours; anything else (NUL above all) is not for a database to see."""
    return text.isascii() and text.isalnum()


def of_project(table: type[P], project_id: str) -> Any:
    return table.project_id == project_id


def _not_a_cursor() -> InvalidInput:
    return InvalidInput("not a cursor of ours: begin with the first page", reason="CURSOR")


def _not_found(table: type[Owned]) -> NotFound:
    name = str(table.__tablename__)
    return NotFound(f"there is no such {name.replace('_', ' ')}", reason=f"NO_{name.upper()}")
