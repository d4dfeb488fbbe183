"""Idempotency keys: the same key makes the same thing once, however often it is posted.

Jobs have this in their queue; everything else that is created has it here. A key is kept for two days.
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from services.common.errors import Conflict
from services.gateway.tables import MadeOnce, utc_now

IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=200, description="The same key gives the same thing again instead of a second."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """What was posted, and under which key; without one, every post is a new one."""

    account_id: str
    route: str
    key: str | None
    request_sha256: str


def once(account_id: str, route: str, key: str | None, *parts: BaseModel | str | bytes) -> Once:
    """The parts are everything that the request asks for."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.model_dump_json() if isinstance(part, BaseModel) else part
        encoded = content.encode() if isinstance(content, str) else content
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return Once(account_id=account_id, route=route, key=key, request_sha256=digest.hexdigest())


def made_already(db: Session, request: Once) -> str | None:
    """The id of what was made with this key before, if anything was.

    Raises:
        Conflict: the key was used for another request.
    """
    if request.key is None:
        return None
    found = db.get(MadeOnce, (request.account_id, request.route, request.key))
    if found is not None and found.request_sha256 != request.request_sha256:
        raise Conflict(f"{request.key!r} was already used for another request: use a new key", reason="KEY_REUSED")
    return found.row_id if found is not None else None


def claim(db: Session, request: Once, row_id: str) -> str:
    """Let the key stand for `row_id`, unless it stands for another row already; returns the one that it stands for.

    In the transaction that writes the row, so that of two posts at once one waits for the other.
    """
    if request.key is None:
        return row_id
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {
        "account_id": request.account_id,
        "route": request.route,
        "key": request.key,
        "request_sha256": request.request_sha256,
        "row_id": row_id,
        "created_at": utc_now(),
    }
    db.connection().execute(insert(MadeOnce).values(**values).on_conflict_do_nothing())
    return made_already(db, request) or row_id
