"""Live events of one job, read from its row: any replica can serve them, whichever worker does the job."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi.sse import ServerSentEvent

from services.gateway.gateway import Gateway
from services.gateway.jobs_view import read_job
from services.gateway.schemas import JobAnswer

POLL_SECONDS = 0.3
END_STATES = ("succeeded", "failed", "cancelled")


async def job_events(
    gateway: Gateway, job_id: str, account_id: str, *, seen_revision: int | None
) -> AsyncIterator[ServerSentEvent]:
    """The job now, unless `seen_revision` is still the newest, and then whenever it changes, until it has ended."""
    seen: tuple[int | None, int | None] | None = None
    while True:
        revision, job = await asyncio.to_thread(_read, gateway, job_id, account_id)
        ended = job.state in END_STATES
        if seen is None and revision == seen_revision:
            seen = (revision, job.queue_position)
        if seen != (revision, job.queue_position):  # a place in the queue changes without the job's own row
            seen = (revision, job.queue_position)
            yield ServerSentEvent(event="job", id=str(revision), raw_data=job.model_dump_json())
        if ended:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(gateway.stopping.wait(), POLL_SECONDS)
            return  # the browser comes back with the last id, to another replica


def _read(gateway: Gateway, job_id: str, account_id: str) -> tuple[int, JobAnswer]:
    with gateway.db() as db:
        return read_job(db, job_id, account_id, gateway.links)
