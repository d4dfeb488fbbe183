"""Claims jobs while there is room for their kind, and carries each in a task of its own."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from opentelemetry.trace import SpanKind
from sqlalchemy.exc import OperationalError

from services.common.leases import Lease, LeaseQueue
from services.common.telemetry.tracing import span
from services.gateway.worker.carry import Carrier
from services.gateway.worker.work import Work

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """One worker's loop."""

    queue: LeaseQueue
    carrier: Carrier
    makers: Mapping[str, Callable[[Lease], Work]]
    room: Mapping[str, int]
    name: str
    lease_seconds: float
    tasks: dict[asyncio.Task[None], str] = field(default_factory=dict)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop; then every job goes back to the queue, to be taken up by another worker."""
        while not stopping.is_set():
            lease = await self._claim()
            if lease is not None:
                task = asyncio.create_task(self._carry(lease))
                self.tasks[task] = lease.job.kind
                task.add_done_callback(self._carried)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), IDLE_SECONDS)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _claim(self) -> Lease | None:
        busy = Counter(self.tasks.values())
        kinds = [kind for kind, room in self.room.items() if busy[kind] < room]
        if not kinds:
            return None
        try:
            return await asyncio.to_thread(self.queue.claim, kinds, worker=self.name, ttl_seconds=self.lease_seconds)
        except OperationalError:
            log.warning("the database cannot be reached", exc_info=True)
            return None

    async def _carry(self, lease: Lease) -> None:
        job = lease.job
        structlog.contextvars.bind_contextvars(request_id=job.id, owner=job.owner, kind=job.kind)
        with span(f"carry {job.kind}", kind=SpanKind.CONSUMER, parent=job.traceparent, attempt=job.attempt):
            log.info("job taken", extra={"attempt": job.attempt})
            await self.carrier.carry(lease, self.makers[job.kind](lease))
            log.info("job left")

    def _carried(self, task: asyncio.Task[None]) -> None:
        del self.tasks[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            # The row is still leased: another try comes when the lease runs out.
            log.error("a job was dropped", exc_info=error)
