"""The right to work on one job."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from services.common.leases.rows import to_job
from services.common.telemetry.jobs import job_ended
from services.common.telemetry.metrics import LEASES_LOST

QUARANTINED = "QUARANTINED"


def quarantine_error(what_happened: str) -> dict[str, str]:
    """What the row of a job in quarantine says: what happened, and what can be done."""
    remedy = "start it again with less to do, or ask whoever runs this service to requeue it"
    return {"reason": QUARANTINED, "message": f"{what_happened} and was set aside: {remedy}"}


class LeaseLost(Exception):
    """Another worker has the job now, or it has ended: stop, and write nothing."""


class Lease:
    """The right to work on one job until `ttl_seconds` after the last heartbeat. Every method may raise LeaseLost."""

    def __init__(
        self, engine: sa.Engine, table: sa.Table, now: sa.ColumnElement[float], row: sa.Row[Any], ttl_seconds: float
    ) -> None:
        self.job = to_job(row)
        self.ttl_seconds = ttl_seconds
        self._engine, self._table, self._now, self._token = engine, table, now, row.token

    def heartbeat(self, progress: dict[str, Any] | None = None) -> bool:
        """Keep the lease, and show progress to whoever waits; True when the job is to be cancelled."""
        values: dict[str, Any] = {"lease_until": self._now + self.ttl_seconds}
        if progress is not None:
            values |= {"progress": progress, "revision": self._table.c.revision + 1}
        return bool(self._write(values).cancel_requested)

    def checkpoint(self, value: dict[str, Any], *, reached: int) -> bool:
        """Where to go on from; write the checkpoint's object first. True when the job is to be cancelled.

        `reached` says how far that is, in any measure that only grows while the job gets further. Only a checkpoint
        that is further than every one before forgives the attempts that failed: what was merely shown is done again.
        """
        t = self._table.c
        further = t.reached < reached
        values = {"checkpoint": value, "lease_until": self._now + self.ttl_seconds}
        values |= {"reached": sa.case((further, reached), else_=t.reached)}
        values |= {"fruitless": sa.case((further, 0), else_=t.fruitless)}
        return bool(self._write(values).cancel_requested)

    def finish(self, result: dict[str, Any], *, also: Callable[[sa.Connection], None] | None = None) -> None:
        """End well, together with the rows that `also` writes on the same connection."""
        with self._engine.begin() as c:
            row = self.end("succeeded", result=result, connection=c)
            if also is not None:
                also(c)
        self.count_end(row)

    def fail(self, reason: str, message: str) -> None:
        self.end("failed", error={"reason": reason, "message": message})

    def quarantine(self, what_happened: str) -> None:
        """Set aside a job that does not get further: failed for its owner, until an operator requeues it."""
        self.end("failed", error=quarantine_error(what_happened))

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
    ) -> sa.Row[Any]:
        """Who gives a connection hands the row to `count_end` when its transaction is over."""
        grown = {"ended_at": self._now, "revision": self._table.c.revision + 1}
        row = self._write({"state": state, "result": result, "error": error, **grown}, connection)
        if connection is None:
            self.count_end(row)
        return row

    def count_end(self, row: sa.Row[Any]) -> None:
        quarantined = row.error is not None and row.error.get("reason") == QUARANTINED
        state = "quarantined" if quarantined else row.state
        job_ended(self._table.info["queue"], self.job.kind, state, seconds=row.ended_at - row.created_at)

    def _write(self, values: dict[str, Any], connection: sa.Connection | None = None) -> sa.Row[Any]:
        mine = sa.update(self._table).where(self._held())
        t = self._table.c
        statement = mine.values(**values).returning(t.cancel_requested, t.state, t.error, t.created_at, t.ended_at)
        if connection is not None:
            row = connection.execute(statement).first()
        else:
            with self._engine.begin() as c:
                row = c.execute(statement).first()
        if row is None:
            LEASES_LOST.labels(self._table.info["queue"]).inc()
            raise LeaseLost(self.job.id)
        return row

    def _held(self) -> sa.ColumnElement[bool]:
        t = self._table.c
        return sa.and_(t.id == self.job.id, t.token == self._token, t.state == "running")
