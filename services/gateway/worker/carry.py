"""Carries one leased job to its end: keeps the lease, passes progress on, and writes how it ended."""

import asyncio
import contextlib
import logging
import time
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from services.common.artifacts import ArtifactStore, delete_prefix
from services.common.errors import Unavailable
from services.common.leases import Lease, LeaseLost, LeaseQueue
from services.gateway.files import out_prefix, previews_prefix, results_prefix
from services.gateway.worker.progress import Preview, Progress
from services.gateway.worker.work import Finish, JobStopped, Work, reason_and_message

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25  # between looks for news from the work
BEAT_SECONDS = 1.0  # between heartbeats without news: how soon a cancellation is noticed


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """Runs work under its lease."""

    queue: LeaseQueue
    store: ArtifactStore

    async def carry(self, lease: Lease, work: Work) -> None:
        """Returns when the job has ended, or is another worker's.

        Cancelling this gives the job back to the queue; that is what a worker does when it is told to stop.
        """
        progress = Progress()
        job = asyncio.create_task(work.run(progress))
        keeper = asyncio.create_task(self._keep(lease, progress))
        try:
            await asyncio.wait({job, keeper}, return_when=asyncio.FIRST_COMPLETED)
            if job.done():
                await _cancelled(keeper)
                await self._conclude(lease, job, progress)
            else:
                keeper.result()  # raises LeaseLost; else the owner asked to stop
                await _cancelled(job)
                await self._stop(lease, work)
            await asyncio.to_thread(self._remove_leftovers, lease, finished=job.done() and _went_well(job))
        except LeaseLost:
            log.warning("lease lost", extra={"job_id": lease.job.id})
            await _cancelled(job)
            await asyncio.to_thread(self._remove_if_deleted, lease)
        except asyncio.CancelledError:
            await _cancelled(job)
            with contextlib.suppress(LeaseLost):
                await asyncio.to_thread(lease.release)
            raise
        finally:
            await _cancelled(keeper)
            await _cancelled(job)

    async def _stop(self, lease: Lease, work: Work) -> None:
        stopping = asyncio.create_task(work.stop())
        try:
            while not stopping.done():
                await asyncio.to_thread(lease.heartbeat)  # stopping may take longer than a lease lasts
                await asyncio.wait({stopping}, timeout=BEAT_SECONDS)
        finally:
            await asyncio.wait({stopping})  # whoever has the job now will not do it
        stopping.result()
        await asyncio.to_thread(lease.cancel)

    async def _conclude(self, lease: Lease, job: "asyncio.Task[Finish]", progress: Progress) -> None:
        try:
            finish = job.result()
        except JobStopped:
            await asyncio.to_thread(lease.cancel)
        except LeaseLost:
            raise
        except Exception as error:  # whatever it is, the job's owner must see it end
            known = reason_and_message(error)
            if known is None:
                log.exception("unhandled error in a job", extra={"job_id": lease.job.id}, exc_info=error)
            await asyncio.to_thread(lease.fail, *(known or ("BUG", "internal error: try again")))
        else:
            if (changes := progress.take_changes()) is not None:  # a short job is done before the keeper looks
                await asyncio.to_thread(lease.heartbeat, changes)
            await asyncio.to_thread(_write_finish, lease, finish)

    async def _keep(self, lease: Lease, progress: Progress) -> None:
        """Heartbeats, with progress as it comes; returns when the owner asked to stop.

        Raises:
            LeaseLost: the row says so, or no heartbeat reached the database for as long as a lease lasts.
        """
        beaten = time.monotonic()
        shown: str | None = None
        while True:
            preview, stale = progress.take_preview(), None
            if preview is not None:
                with contextlib.suppress(Unavailable):  # a preview is not worth a job
                    shown, stale = await asyncio.to_thread(self._store_preview, lease, preview), shown
                    progress.report(preview={"key": shown, "media_type": preview.media_type})
            changes = progress.take_changes()
            if changes is not None or time.monotonic() - beaten >= BEAT_SECONDS:
                try:
                    if await asyncio.to_thread(lease.heartbeat, changes):
                        return
                    beaten = time.monotonic()
                except OperationalError as error:
                    if time.monotonic() - beaten > lease.ttl_seconds:
                        raise LeaseLost(lease.job.id) from error
            if stale is not None:  # nobody is told of it any more
                with contextlib.suppress(Unavailable):  # it goes with the others, at the end
                    await asyncio.to_thread(self.store.delete, stale)
            await asyncio.sleep(LOOK_SECONDS)

    def _store_preview(self, lease: Lease, preview: Preview) -> str:
        ending = "png" if preview.media_type == "image/png" else "jpg"
        key = f"{previews_prefix(lease.job.owner, lease.job.id)}{uuid.uuid4().hex}.{ending}"
        self.store.put(key, preview.content, preview.media_type)
        return key

    def _remove_leftovers(self, lease: Lease, *, finished: bool) -> None:
        prefixes = [previews_prefix(lease.job.owner, lease.job.id), out_prefix(lease.job.owner, lease.job.id)]
        if not finished:
            prefixes.append(results_prefix(lease.job.owner, lease.job.id))
        try:
            for prefix in prefixes:
                delete_prefix(self.store, prefix)
        except Unavailable as error:  # the job has ended all the same; the sweep takes them
            log.warning("leftovers stay for the sweep", extra={"job_id": lease.job.id, "reason": error.reason})

    def _remove_if_deleted(self, lease: Lease) -> None:
        if self.queue.get(lease.job.id) is None:
            self._remove_leftovers(lease, finished=False)


def _write_finish(lease: Lease, finish: Finish) -> None:
    def write_rows(connection: sa.Connection) -> None:
        if finish.first is not None:
            finish.first(connection)
        with Session(connection, expire_on_commit=False) as db:
            db.add_all(finish.rows)
            db.commit()  # of the lease's own transaction this ends nothing
        if finish.also is not None:
            finish.also(connection)

    lease.finish(finish.result, also=write_rows)
    if finish.afterwards is not None:
        finish.afterwards()


async def _cancelled(task: "asyncio.Task[None] | asyncio.Task[Finish]") -> None:
    """Cancel, and wait until it is over; what it raises is no news any more."""
    if not task.done():
        task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


def _went_well(job: "asyncio.Task[Finish]") -> bool:
    return not job.cancelled() and job.exception() is None
