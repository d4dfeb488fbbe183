"""Durable jobs: a row in the owning service's database, worked under a fenced lease.

Rules that make it hold (`tests/chaos` shows what happens without them):
every write of a worker names the lease's token, so a worker that lost its lease changes nothing; only the database's
clock is asked; the end of a job and the rows it leads to are written in one transaction.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.common.errors import Conflict, InvalidInput

END_STATES = ("succeeded", "failed", "cancelled")
MAX_ATTEMPTS_WITHOUT_PROGRESS = 5


class LeaseLost(Exception):
    """Another worker has the job now, or it has ended: stop, and write nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row. Times are None until they happen; `revision` grows with every change."""

    id: str
    kind: str
    owner: str
    payload: dict[str, Any]
    state: str
    progress: dict[str, Any]
    checkpoint: dict[str, Any]
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    cancel_requested: bool
    attempt: int
    revision: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        return self.state in END_STATES


def job_table(metadata: sa.MetaData) -> sa.Table:
    """The table, in the metadata of the service that owns it. Times are seconds since 1970 by the database's clock."""
    return sa.Table(
        "job",
        metadata,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255)),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("fruitless", sa.Integer, nullable=False, comment="attempts since the last progress"),
        sa.Column("token", sa.Integer, nullable=False, comment="fencing token, one more with every claim"),
        sa.Column("worker", sa.String(128)),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.Column("run_after", sa.Double, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("progress", sa.JSON, nullable=False),
        sa.Column("checkpoint", sa.JSON, nullable=False),
        sa.Column("result", sa.JSON),
        sa.Column("error", sa.JSON),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("started_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.UniqueConstraint("owner", "kind", "key", name="uq_job_owner_kind_key"),
        sa.Index("ix_job_claim", "kind", "state", "priority", "created_at"),
        sa.Index("ix_job_owner", "owner", "created_at"),
    )


class LeaseQueue:
    """Enqueues, claims and reads the jobs of one table. Synchronous: keep it off the event loop."""

    def __init__(self, engine: sa.Engine, table: sa.Table, *, clock: sa.ColumnElement[float] | None = None) -> None:
        self._engine = engine
        self._table = table
        self._postgres = engine.dialect.name == "postgresql"
        seconds = "extract(epoch from clock_timestamp())" if self._postgres else "(julianday('now')-2440587.5)*86400.0"
        self._now = clock if clock is not None else sa.literal_column(seconds, sa.Double)

    def enqueue(
        self,
        *,
        kind: str,
        owner: str,
        payload: dict[str, Any],
        key: str | None = None,
        job_id: str | None = None,
        priority: int = 100,
        connection: sa.Connection | None = None,
    ) -> Job:
        """Record a job, under `job_id` when its files had to be stored first. The same owner, kind and key give the
        same job again.

        Raises:
            Conflict: that key was used with another payload.
        """
        values: dict[str, Any] = {
            "id": job_id or uuid.uuid4().hex, "kind": kind, "owner": owner, "key": key, "payload": payload,
            "state": "queued", "priority": priority, "attempt": 0, "fruitless": 0, "token": 0,
            "lease_until": 0.0, "run_after": 0.0, "cancel_requested": False, "progress": {}, "checkpoint": {},
            "revision": 1, "created_at": self._now,
        }  # fmt: skip
        insert = postgresql.insert if self._postgres else sqlite.insert
        statement = insert(self._table).values(**values).on_conflict_do_nothing(index_elements=["owner", "kind", "key"])
        with self._begin(connection) as c:
            made = c.execute(statement.returning(self._table)).first()
            if made is not None:
                return _to_job(made)
            t = self._table.c
            same = sa.select(self._table).where(t.owner == owner, t.kind == kind, t.key == key)
            found = _to_job(c.execute(same).one())
        if found.payload != payload:
            raise Conflict(f"{key!r} was already used for another request: use a new id", reason="REQUEST_ID_REUSED")
        return found

    def get(self, job_id: str) -> Job | None:
        with self._engine.connect() as c:
            row = c.execute(sa.select(self._table).where(self._table.c.id == job_id)).first()
        return _to_job(row) if row is not None else None

    def page(self, *, kind: str, owner: str, size: int, token: str = "") -> tuple[list[Job], str]:
        """The owner's jobs of one kind, newest first, from where `token` points; and the next page's token, or "".

        Raises:
            InvalidInput: not a token of ours.
        """
        t = self._table.c
        query = sa.select(self._table).where(t.kind == kind, t.owner == owner)
        if token:
            seconds, _, last_id = token.partition("_")
            try:
                query = query.where(sa.tuple_(t.created_at, t.id) < (float(seconds), last_id))
            except ValueError as error:
                raise InvalidInput("not a page token: send the one that was given", reason="PAGE_TOKEN") from error
        with self._engine.connect() as c:
            rows = c.execute(query.order_by(t.created_at.desc(), t.id.desc()).limit(size + 1)).all()
        more = f"{rows[size - 1].created_at!r}_{rows[size - 1].id}" if len(rows) > size else ""
        return [_to_job(row) for row in rows[:size]], more

    def position(self, job_id: str) -> int | None:
        """How many queued jobs of its kind are served before this one, if none ends; None when it is not queued."""
        t = self._table.c
        kind = sa.select(t.kind).where(t.id == job_id).scalar_subquery()
        order = (t.priority, t.created_at, t.id)
        turn = sa.func.row_number().over(partition_by=t.owner, order_by=order) + self._running_of_owner()
        turns = sa.select(t.id, turn.label("turn"), *order[:2]).where(t.state == "queued", t.kind == kind).subquery()
        place = sa.func.row_number().over(order_by=(turns.c.turn, turns.c.priority, turns.c.created_at, turns.c.id))
        places = sa.select(turns.c.id, (place - 1).label("place")).subquery()
        with self._engine.connect() as c:
            found: int | None = c.execute(sa.select(places.c.place).where(places.c.id == job_id)).scalar()
        return found

    def _running_of_owner(self) -> sa.ScalarSelect[int]:
        t, other = self._table.c, self._table.alias("other").c
        same = sa.and_(other.owner == t.owner, other.kind == t.kind, other.state == "running")
        held = sa.and_(same, other.lease_until >= self._now)
        return sa.select(sa.func.count(other.id)).where(held).correlate(self._table).scalar_subquery()

    def claim(self, kinds: Sequence[str], *, worker: str, ttl_seconds: float) -> "Lease | None":
        """Take the next queued job, or one whose worker has gone silent.

        Owners take turns: who has fewer jobs running is served first, whatever the length of their queues.
        A job that was cancelled meanwhile, or that failed too often without progress, is ended here.
        """
        t = self._table.c
        pick = (
            sa.select(t.id)
            .where(t.kind.in_(kinds), self._free(), t.run_after <= self._now)
            .order_by(self._running_of_owner(), t.priority, t.created_at)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        take = (
            sa.update(self._table)
            .where(t.id == pick)
            .values(
                state="running",
                worker=worker,
                token=t.token + 1,
                attempt=t.attempt + 1,
                fruitless=t.fruitless + 1,
                lease_until=self._now + ttl_seconds,
                started_at=sa.func.coalesce(t.started_at, self._now),
                revision=t.revision + 1,
            )
            .returning(self._table)
        )
        while True:
            with self._engine.begin() as c:
                row = c.execute(take).first()
                if row is None:
                    return None
                lease = self._lease(row, ttl_seconds)
                if row.cancel_requested:
                    lease.end("cancelled", connection=c)
                elif row.fruitless > MAX_ATTEMPTS_WITHOUT_PROGRESS:
                    message = f"stopped {MAX_ATTEMPTS_WITHOUT_PROGRESS} times without getting further: try again"
                    lease.end("failed", error={"reason": "NO_PROGRESS", "message": message}, connection=c)
                else:
                    return lease

    def request_cancel(self, job_id: str) -> None:
        """End a queued job now; ask the worker of a running one to stop."""
        t = self._table.c
        queued = sa.update(self._table).where(t.id == job_id, t.state == "queued")
        running = sa.update(self._table).where(t.id == job_id, t.state == "running")
        with self._engine.begin() as c:
            grown = {"revision": t.revision + 1, "cancel_requested": True}
            c.execute(queued.values(state="cancelled", ended_at=self._now, **grown))
            c.execute(running.values(**grown))

    def delete(self, job_id: str, *, connection: sa.Connection | None = None) -> None:
        with self._begin(connection) as c:
            c.execute(sa.delete(self._table).where(self._table.c.id == job_id))

    def _free(self) -> sa.ColumnElement[bool]:
        """Queued, or held by a worker that has gone silent."""
        t = self._table.c
        return sa.or_(t.state == "queued", sa.and_(t.state == "running", t.lease_until < self._now))

    def _lease(self, row: sa.Row[Any], ttl_seconds: float) -> "Lease":
        return Lease(self._engine, self._table, self._now, row, ttl_seconds)

    @contextmanager
    def _begin(self, connection: sa.Connection | None) -> Iterator[sa.Connection]:
        if connection is not None:
            yield connection
            return
        with self._engine.begin() as own:
            yield own


class Lease:
    """The right to work on one job until `ttl_seconds` after the last heartbeat. Every method may raise LeaseLost."""

    def __init__(
        self, engine: sa.Engine, table: sa.Table, now: sa.ColumnElement[float], row: sa.Row[Any], ttl_seconds: float
    ) -> None:
        self.job = _to_job(row)
        self.ttl_seconds = ttl_seconds
        self._engine, self._table, self._now, self._token = engine, table, now, row.token

    def heartbeat(self, progress: dict[str, Any] | None = None) -> bool:
        """Keep the lease, and record progress; True when the job is to be cancelled."""
        values: dict[str, Any] = {"lease_until": self._now + self.ttl_seconds}
        if progress is not None:
            values |= {"progress": progress, "fruitless": 0, "revision": self._table.c.revision + 1}
        return bool(self._write(values).cancel_requested)

    def checkpoint(self, value: dict[str, Any]) -> None:
        """Where to go on from; write the checkpoint's object first."""
        self._write({"checkpoint": value, "fruitless": 0, "lease_until": self._now + self.ttl_seconds})

    def finish(self, result: dict[str, Any], *, also: Callable[[sa.Connection], None] | None = None) -> None:
        """End well, together with the rows that `also` writes on the same connection."""
        with self._engine.begin() as c:
            self.end("succeeded", result=result, connection=c)
            if also is not None:
                also(c)

    def fail(self, reason: str, message: str) -> None:
        self.end("failed", error={"reason": reason, "message": message})

    def cancel(self) -> None:
        self.end("cancelled")

    def release(self, *, delay_seconds: float = 0.0) -> None:
        """Give the job back; this attempt does not count."""
        t = self._table.c
        counted = {"attempt": t.attempt - 1, "fruitless": sa.case((t.fruitless > 0, t.fruitless - 1), else_=0)}
        later = {"lease_until": 0.0, "run_after": self._now + delay_seconds, "revision": t.revision + 1}
        self._write({"state": "queued", "worker": None, **counted, **later})

    def end(
        self,
        state: str,
        *,
        result: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
        connection: sa.Connection | None = None,
    ) -> None:
        grown = {"ended_at": self._now, "revision": self._table.c.revision + 1}
        self._write({"state": state, "result": result, "error": error, **grown}, connection)

    def _write(self, values: dict[str, Any], connection: sa.Connection | None = None) -> sa.Row[Any]:
        mine = sa.update(self._table).where(self._held())
        statement = mine.values(**values).returning(self._table.c.cancel_requested)
        if connection is not None:
            row = connection.execute(statement).first()
        else:
            with self._engine.begin() as c:
                row = c.execute(statement).first()
        if row is None:
            raise LeaseLost(self.job.id)
        return row

    def _held(self) -> sa.ColumnElement[bool]:
        t = self._table.c
        return sa.and_(t.id == self.job.id, t.token == self._token, t.state == "running")


def _to_job(row: sa.Row[Any]) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        owner=row.owner,
        payload=row.payload,
        state=row.state,
        progress=row.progress,
        checkpoint=row.checkpoint,
        result=row.result,
        error=row.error,
        cancel_requested=row.cancel_requested,
        attempt=row.attempt,
        revision=row.revision,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        started_at=_time(row.started_at),
        ended_at=_time(row.ended_at),
    )


def _time(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
