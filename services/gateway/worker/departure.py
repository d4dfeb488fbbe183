"""Leaving: packs everything of an account for its owner, or deletes it everywhere.

A deletion does not fail: while a service or the store is down it tries again, for as long as it takes.
"""

import asyncio
import logging
import sqlite3
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session

from services.common.artifacts import ArtifactStore, delete_owner
from services.common.errors import NotReady, ServiceError
from services.common.leases import Job, LeaseQueue
from services.gateway.accounts_data import delete_rows, exports_prefix, write_export, write_receipt
from services.gateway.clients import Peers
from services.gateway.tables import jobs
from services.gateway.worker.progress import Progress
from services.gateway.worker.work import Finish

log = logging.getLogger(__name__)

AGAIN_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
CHECKPOINTS = 20
ZIP = "application/zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Everything of one account as one zip."""

    job: Job
    engine: sa.Engine
    store: ArtifactStore

    async def run(self, progress: Progress) -> Finish:
        progress.report(stage="packing")
        return Finish(result=await asyncio.to_thread(self._pack))

    async def stop(self) -> None:
        """Nothing is held anywhere."""

    def _pack(self) -> dict[str, object]:
        with tempfile.TemporaryDirectory(prefix="oma-export-") as folder:
            path = Path(folder) / "export.zip"
            write_export(path, self.engine, self.store, self.job.owner)
            key = f"{exports_prefix(self.job.owner)}{self.job.id}.zip"
            ref = self.store.put(key, path.read_bytes(), ZIP)
        return {"key": ref.key, "sha256": ref.sha256, "size_bytes": ref.size_bytes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """One account, everywhere; what stays is a receipt that names nobody."""

    job: Job
    engine: sa.Engine
    queue: LeaseQueue
    store: ArtifactStore
    peers: Peers
    deleted: dict[str, int] = field(default_factory=dict)

    async def run(self, progress: Progress) -> Finish:
        progress.report(stage="deleting")
        pause = AGAIN_SECONDS
        while True:
            try:
                await self._delete()
                break
            except ServiceError as error:
                log.info("deleting an account goes on later", extra={"reason": error.reason})
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        receipt_id = self.job.payload["receipt_id"]
        return Finish(
            also=lambda connection: write_receipt(connection, self.job.id, receipt_id, self.deleted),
            afterwards=lambda: overwrite(self.engine),
        )

    async def stop(self) -> None:
        """A deletion is not cancelled; nothing is held anywhere."""

    async def _delete(self) -> None:
        owner = self.job.owner
        if await asyncio.to_thread(self._stop_jobs):
            raise NotReady("jobs are still stopping", reason="JOBS_STOPPING")
        for training_id in await self.peers.trainings_of(owner):
            await self.peers.delete_training(owner, training_id)
            self._count("training", 1)
        for table, count in (await asyncio.to_thread(self._delete_rows)).items():
            self._count(table, count)
        self._count("file", await asyncio.to_thread(delete_owner, self.store, owner))

    def _stop_jobs(self) -> int:
        unfinished = sa.select(jobs.c.id).where(
            jobs.c.owner == self.job.owner, jobs.c.id != self.job.id, jobs.c.state.in_(("queued", "running"))
        )
        with self.engine.connect() as connection:
            ids = connection.execute(unfinished).scalars().all()
        for job_id in ids:
            self.queue.request_cancel(job_id)
        with self.engine.connect() as connection:
            return len(connection.execute(unfinished).scalars().all())

    def _delete_rows(self) -> dict[str, int]:
        with Session(self.engine) as db:
            counts = delete_rows(db, self.job.owner, but_job=self.job.id)
            db.commit()
        return counts

    def _count(self, what: str, count: int) -> None:
        if count:
            self.deleted[what] = self.deleted.get(what, 0) + count


def overwrite(engine: sa.Engine) -> None:
    """Leave nothing of deleted rows in SQLite's log; in the file itself, deleting overwrites (`secure_delete`).

    PostgreSQL frees deleted rows when it vacuums by itself.
    """
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        for _ in range(CHECKPOINTS):
            busy = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if not busy:
                return
            time.sleep(AGAIN_SECONDS / 4)  # somebody reads the log just now
    except sqlite3.OperationalError:
        log.info("the database's log is in use: it is overwritten later")
    finally:
        connection.close()
