"""The rows of trainings; the only file of this service with SQL."""

from collections.abc import Collection
from pathlib import Path

import sqlalchemy as sa

from services.common.databases import reading, upgrade
from services.common.errors import NotFound, Overloaded
from services.common.leases import (
    MAX_ATTEMPTS_WITHOUT_PROGRESS,
    Job,
    Lease,
    LeaseQueue,
    job_table,
    refuse_half_restored,
)
from services.common.leases.rows import to_job
from services.common.telemetry.jobs import Standing
from services.style_train.records import Order

KIND = "style"
MIGRATIONS = Path(__file__).with_name("migrations")

metadata = sa.MetaData()
jobs = job_table(metadata, queue="style_train")


class TrainingStore:
    """Trainings by owner. Synchronous: keep it off the event loop."""

    def __init__(
        self,
        engine: sa.Engine,
        *,
        max_queued: int,
        max_attempts_without_progress: int = MAX_ATTEMPTS_WITHOUT_PROGRESS,
    ) -> None:
        self._engine = engine
        self._reader = reading(engine)
        self._queue = LeaseQueue(engine, jobs, max_attempts_without_progress=max_attempts_without_progress)
        self._max_queued = max_queued

    def migrate(self) -> None:
        """Raises NotReady while a restore has not come to its end."""
        upgrade(self._engine, MIGRATIONS)
        refuse_half_restored(self._engine, metadata)

    def create(self, *, owner: str, request_id: str, job_id: str, order: Order) -> Job:
        """Record a training; the same request again gives the one recorded first.

        Raises:
            Conflict: the request id was used with another content.
        """
        return self._queue.enqueue(kind=KIND, owner=owner, key=request_id, job_id=job_id, payload=order.as_json())

    def has_request(self, *, owner: str, request_id: str) -> bool:
        """Whether a training was recorded for this request already."""
        return self._queue.find(kind=KIND, owner=owner, key=request_id) is not None

    def check_room(self) -> None:
        """Raises Overloaded when too many trainings wait already."""
        waiting = sa.select(sa.func.count()).where(jobs.c.kind == KIND, jobs.c.state == "queued")
        with self._reader.connect() as c:
            count = c.execute(waiting).scalar_one()
        if count >= self._max_queued:
            raise Overloaded(
                f"{count} trainings are already waiting; try again later", reason="QUEUE_FULL", retry_after_seconds=30
            )

    def get(self, *, owner: str, job_id: str) -> Job:
        """Raises NotFound for an unknown id and for another owner's."""
        job = self._queue.get(job_id)
        if job is None or job.owner != owner:
            raise NotFound(f"no training {job_id!r}", reason="NO_TRAINING")
        return job

    def existing(self, job_ids: Collection[str]) -> list[Job]:
        """Those of these trainings that have a row, whoever owns them."""
        query = sa.select(jobs).where(jobs.c.kind == KIND, jobs.c.id.in_(job_ids))
        with self._reader.connect() as c:
            return [to_job(row) for row in c.execute(query)]

    def page(self, *, owner: str, size: int, token: str) -> tuple[list[Job], str]:
        return self._queue.page(kind=KIND, owner=owner, size=size, token=token)

    def request_cancel(self, job_id: str) -> None:
        self._queue.request_cancel(job_id)

    def quarantined(self) -> list[Job]:
        """Trainings of every owner that were set aside because they did not get further."""
        return self._queue.quarantined()

    def requeue(self, job_id: str) -> Job:
        """Let a training out of quarantine; for operators. Raises NotFound, Conflict."""
        return self._queue.requeue(job_id)

    def delete(self, job_id: str) -> None:
        self._queue.delete(job_id)

    def standings(self) -> dict[str, Standing]:
        """How many trainings wait and run; for the metrics."""
        return self._queue.standings([KIND])

    def claim(self, *, worker: str, lease_seconds: float) -> Lease | None:
        return self._queue.claim([KIND], worker=worker, ttl_seconds=lease_seconds)
