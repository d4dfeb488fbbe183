"""The queue: records, claims and reads the jobs of one table."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.common.databases import reading
from services.common.errors import Conflict, InvalidInput, NotFound
from services.common.leases.holds import not_held
from services.common.leases.lease import QUARANTINED, Lease, quarantine_error
from services.common.leases.rows import Job, to_job
from services.common.telemetry.jobs import Standing, job_claimed, job_ended
from services.common.telemetry.tracing import current_traceparent

MAX_ATTEMPTS_WITHOUT_PROGRESS = 5


class LeaseQueue:
    """Enqueues, claims and reads the jobs of one table. Synchronous: keep it off the event loop."""

    def __init__(
        self,
        engine: sa.Engine,
        table: sa.Table,
        *,
        max_attempts_without_progress: int = MAX_ATTEMPTS_WITHOUT_PROGRESS,
        clock: sa.ColumnElement[float] | None = None,
    ) -> None:
        self._engine = engine
        self._reader = reading(engine)
        self._max_fruitless = max_attempts_without_progress
        self._table = table
        self._postgres = engine.dialect.name == "postgresql"
        seconds = "extract(epoch from clock_timestamp())" if self._postgres else "(julianday('now')-2440587.5)*86400.0"
        self.now = clock if clock is not None else sa.literal_column(seconds, sa.Double)
        self._take = self._claiming()

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
        same job again. The trace that this is called in goes on in whoever works on the job.

        Raises:
            Conflict: that key was used with another payload.
        """
        values: dict[str, Any] = {
            "id": job_id or uuid.uuid4().hex, "kind": kind, "owner": owner, "key": key, "payload": payload,
            "state": "queued", "priority": priority, "attempt": 0, "fruitless": 0, "reached": 0, "token": 0,
            "lease_until": 0.0, "run_after": 0.0, "cancel_requested": False, "progress": {}, "checkpoint": {},
            "revision": 1, "created_at": self.now, "traceparent": current_traceparent() or None,
        }  # fmt: skip
        insert = postgresql.insert if self._postgres else sqlite.insert
        statement = insert(self._table).values(**values).on_conflict_do_nothing(index_elements=["owner", "kind", "key"])
        with self._begin(connection) as c:
            made = c.execute(statement.returning(self._table)).first()
            if made is not None:
                return to_job(made)
            found = to_job(c.execute(self._recorded(kind, owner, key)).one())
        if found.payload != payload:
            raise Conflict(f"{key!r} was already used for another request: use a new id", reason="REQUEST_ID_REUSED")
        return found

    def find(self, *, kind: str, owner: str, key: str) -> Job | None:
        """The job that was recorded under this key."""
        with self._reader.connect() as c:
            row = c.execute(self._recorded(kind, owner, key)).first()
        return to_job(row) if row is not None else None

    def _recorded(self, kind: str, owner: str, key: str | None) -> sa.Select[Any]:
        t = self._table.c
        return sa.select(self._table).where(t.owner == owner, t.kind == kind, t.key == key)

    def get(self, job_id: str) -> Job | None:
        with self._reader.connect() as c:
            row = c.execute(sa.select(self._table).where(self._table.c.id == job_id)).first()
        return to_job(row) if row is not None else None

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
        with self._reader.connect() as c:
            rows = c.execute(query.order_by(t.created_at.desc(), t.id.desc()).limit(size + 1)).all()
        more = f"{rows[size - 1].created_at!r}_{rows[size - 1].id}" if len(rows) > size else ""
        return [to_job(row) for row in rows[:size]], more

    def position(self, job_id: str) -> int | None:
        """How many queued jobs of its kind are served before this one, if none ends; None when it is not queued."""
        t = self._table.c
        kind = sa.select(t.kind).where(t.id == job_id).scalar_subquery()
        order = (t.priority, t.created_at, t.id)
        turn = sa.func.row_number().over(partition_by=t.owner, order_by=order) + self._running_of_owner()
        turns = sa.select(t.id, turn.label("turn"), *order[:2]).where(t.state == "queued", t.kind == kind).subquery()
        place = sa.func.row_number().over(order_by=(turns.c.turn, turns.c.priority, turns.c.created_at, turns.c.id))
        places = sa.select(turns.c.id, (place - 1).label("place")).subquery()
        with self._reader.connect() as c:
            found: int | None = c.execute(sa.select(places.c.place).where(places.c.id == job_id)).scalar()
        return found

    def _running_of_owner(self) -> sa.ScalarSelect[int]:
        t, other = self._table.c, self._table.alias("other").c
        same = sa.and_(other.owner == t.owner, other.kind == t.kind, other.state == "running")
        held = sa.and_(same, other.lease_until >= self.now)
        return sa.select(sa.func.count(other.id)).where(held).correlate(self._table).scalar_subquery()

    def claim(self, kinds: Sequence[str], *, worker: str, ttl_seconds: float) -> "Lease | None":
        """Take the next queued job, or one whose worker has gone silent.

        Owners take turns: who has fewer jobs running is served first, whatever the length of their queues.
        A job that was cancelled meanwhile is ended here; one that stopped too often without progress is quarantined.
        What is held (`services.common.leases.holds`) is left where it is.
        """
        asked = {"kinds": list(kinds), "claimer": worker, "ttl_seconds": ttl_seconds}
        while True:
            with self._engine.begin() as c:
                row = c.execute(self._take, asked).first()
                if row is None:
                    return None
                lease = self._lease(row, ttl_seconds)
                ended = self._end_instead(lease, row, c)
            if ended is None:
                waited = row.started_at - row.created_at if row.token == 1 else None
                job_claimed(self._table.info["queue"], row.kind, waited_seconds=waited)
                return lease
            lease.count_end(ended)

    def _end_instead(self, lease: Lease, row: sa.Row[Any], connection: sa.Connection) -> sa.Row[Any] | None:
        """End a claimed job that nobody is to work on."""
        if row.cancel_requested:
            return lease.end("cancelled", connection=connection)
        if row.fruitless > self._max_fruitless:
            what_happened = f"it stopped {self._max_fruitless} times without getting further"
            return lease.end("failed", error=quarantine_error(what_happened), connection=connection)
        return None

    def claimable(self, kinds: Sequence[str]) -> int:
        """How many jobs `claim` would look at now: those that wait, and those whose worker has gone silent."""
        t = self._table.c
        free = sa.and_(t.kind.in_(list(kinds)), self._free(), t.run_after <= self.now)
        with self._reader.connect() as c:
            return c.execute(sa.select(sa.func.count()).select_from(self._table).where(free)).scalar_one()

    def standings(self, kinds: Sequence[str]) -> dict[str, Standing]:
        """What each of these kinds has that has not ended; for the metrics."""
        t = self._table.c
        abandoned = sa.and_(t.state == "running", t.lease_until < self.now)
        state = sa.case((abandoned, "abandoned"), else_=t.state).label("standing")
        open_jobs = sa.select(t.kind, state, t.created_at).where(t.kind.in_(kinds), t.state.in_(("queued", "running")))
        one = open_jobs.subquery().c
        columns = (one.kind, one.standing, sa.func.count(), self.now - sa.func.min(one.created_at))
        counts: dict[str, dict[str, int]] = {kind: {} for kind in kinds}
        oldest_seconds = dict.fromkeys(kinds, 0.0)
        with self._reader.connect() as c:
            for kind, standing, count, age_seconds in c.execute(sa.select(*columns).group_by(one.kind, one.standing)):
                counts[kind][standing] = count
                if standing == "queued":
                    oldest_seconds[kind] = max(0.0, float(age_seconds))
        return {kind: Standing(counts=counts[kind], oldest_seconds=oldest_seconds[kind]) for kind in kinds}

    def quarantined(self, *, size: int = 100) -> list[Job]:
        """The jobs that were set aside, of every owner, the latest first."""
        t = self._table.c
        query = sa.select(self._table).where(self._in_quarantine()).order_by(t.ended_at.desc(), t.id).limit(size)
        with self._reader.connect() as c:
            return [to_job(row) for row in c.execute(query)]

    def requeue(self, job_id: str, *, any_failure: bool = False) -> Job:
        """Let a job out of quarantine: it goes on from its last checkpoint, its attempts counted anew.

        `any_failure` takes one that failed for another reason too.

        Raises:
            NotFound: no such job.
            Conflict: it is not in quarantine.
        """
        t = self._table.c
        again = {"state": "queued", "fruitless": 0, "error": sa.null(), "ended_at": None, "cancel_requested": False}
        which = t.state == "failed" if any_failure else self._in_quarantine()
        waiting = sa.update(self._table).where(t.id == job_id, which)
        with self._engine.begin() as c:
            row = c.execute(waiting.values(**again, revision=t.revision + 1).returning(self._table)).first()
        if row is not None:
            return to_job(row)
        if self.get(job_id) is None:
            raise NotFound(f"no job {job_id!r}", reason="NO_JOB")
        if any_failure:
            raise Conflict(f"job {job_id!r} has not failed: only such a job can be requeued", reason="NOT_FAILED")
        raise Conflict(
            f"job {job_id!r} is not in quarantine: only such a job can be requeued", reason="NOT_QUARANTINED"
        )

    def _in_quarantine(self) -> sa.ColumnElement[bool]:
        t = self._table.c
        return sa.and_(t.state == "failed", t.error["reason"].as_string() == QUARANTINED)

    def _claiming(self) -> sa.UpdateBase:
        """The statement of `claim`, made once: making it takes longer than running it."""
        t = self._table.c
        ends_here = sa.or_(t.cancel_requested, t.fruitless >= self._max_fruitless)  # then this is no attempt
        pick = (
            sa.select(t.id)
            .where(t.kind.in_(sa.bindparam("kinds", expanding=True)), self._free(), t.run_after <= self.now)
            .where(not_held(self._table))
            .order_by(self._running_of_owner(), t.priority, t.created_at)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        return (
            sa.update(self._table)
            .where(t.id == pick)
            .values(
                state="running",
                worker=sa.case((ends_here, t.worker), else_=sa.bindparam("claimer", type_=sa.String)),
                token=t.token + 1,
                attempt=t.attempt + sa.case((ends_here, 0), else_=1),
                fruitless=t.fruitless + 1,
                lease_until=self.now + sa.bindparam("ttl_seconds", type_=sa.Double),
                started_at=sa.func.coalesce(t.started_at, self.now),
                revision=t.revision + 1,
            )
            .returning(self._table)
        )

    def request_cancel(self, job_id: str) -> None:
        """End a queued job now; ask the worker of a running one to stop."""
        t = self._table.c
        queued = sa.update(self._table).where(t.id == job_id, t.state == "queued")
        running = sa.update(self._table).where(t.id == job_id, t.state == "running")
        with self._engine.begin() as c:
            grown = {"revision": t.revision + 1, "cancel_requested": True}
            ended = c.execute(queued.values(state="cancelled", ended_at=self.now, **grown).returning(t.kind)).first()
            c.execute(running.values(**grown))
        if ended is not None:
            job_ended(self._table.info["queue"], ended.kind, "cancelled")

    def delete(self, job_id: str, *, connection: sa.Connection | None = None) -> None:
        with self._begin(connection) as c:
            c.execute(sa.delete(self._table).where(self._table.c.id == job_id))

    def _free(self) -> sa.ColumnElement[bool]:
        """Queued, or held by a worker that has gone silent."""
        t = self._table.c
        return sa.or_(t.state == "queued", sa.and_(t.state == "running", t.lease_until < self.now))

    def _lease(self, row: sa.Row[Any], ttl_seconds: float) -> "Lease":
        return Lease(self._engine, self._table, self.now, row, ttl_seconds)

    @contextmanager
    def _begin(self, connection: sa.Connection | None) -> Iterator[sa.Connection]:
        if connection is not None:
            yield connection
            return
        with self._engine.begin() as own:
            yield own
