"""Holds: while there is one for its kind, no job is claimed. Whoever works on one goes on, and new ones wait."""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from services.common.databases import reading
from services.common.errors import Conflict, NotReady

EVERY_KIND = "*"
DRAIN, RESTORE = "drain", "restore"  # why: a restore's reason goes on with the backup's id
TABLE = "job_hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One row: what is held, why, and since when by the clock of whoever asked for it."""

    kind: str
    reason: str
    since: datetime


def hold_table(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        TABLE,
        metadata,
        sa.Column("kind", sa.String(32), primary_key=True, comment="of jobs; * for all"),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("since", sa.Double, nullable=False, comment="seconds since 1970"),
    )


class Holds:
    """The holds of one service's queue."""

    def __init__(self, engine: sa.Engine, metadata: sa.MetaData) -> None:
        self._engine = engine
        self._table = metadata.tables[TABLE]

    def all(self) -> list[Hold]:
        with reading(self._engine).connect() as c:
            rows = c.execute(sa.select(self._table).order_by(self._table.c.kind)).all()
        return [Hold(kind=r.kind, reason=r.reason, since=datetime.fromtimestamp(r.since, UTC)) for r in rows]

    def put(self, kind: str, reason: str) -> None:
        """Stop claims of a kind; again with the same reason changes nothing.

        Raises:
            Conflict: it is held for another reason.
        """
        t = self._table.c
        with self._engine.begin() as c:
            held = c.execute(sa.select(t.reason).where(t.kind == kind)).scalar()
            if held is None:
                values = {"kind": kind, "reason": reason, "since": datetime.now(UTC).timestamp()}
                c.execute(sa.insert(self._table).values(**values))
            elif held != reason:
                raise Conflict(f"jobs are held already: {held}", reason="HELD")

    def lift(self, reason: str, *, kind: str | None = None) -> int:
        """Let jobs be claimed again that were held for this reason; returns how many holds are gone."""
        t = self._table.c
        gone = sa.delete(self._table).where(t.reason == reason)
        with self._engine.begin() as c:
            return c.execute(gone if kind is None else gone.where(t.kind == kind)).rowcount


def refuse_half_restored(engine: sa.Engine, metadata: sa.MetaData) -> None:
    """For a service that starts.

    Raises:
        NotReady: a restore into this database has not come to its end.
    """
    if any(hold.reason.startswith(RESTORE) for hold in Holds(engine, metadata).all()):
        raise NotReady(
            "this database was restored only in part: run `oma admin restore` again, to its end", reason="HALF_RESTORED"
        )


def not_held(table: sa.Table) -> sa.ColumnElement[bool]:
    """True for a row of `table`, a queue's, whose kind may be claimed."""
    held = table.metadata.tables[TABLE].c
    same = sa.select(held.kind).where(sa.or_(held.kind == EVERY_KIND, held.kind == table.c.kind))
    return ~same.correlate(table).exists()
