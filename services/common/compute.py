"""Keeps model work off the event loop, and the queue in front of it short."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from services.common.errors import Overloaded

P = ParamSpec("P")
R = TypeVar("R")


class ComputeLane:
    """One thread that owns the device; several only where they wait for another process's.

    Callers past `max_pending` are refused, not queued.
    """

    def __init__(self, *, max_pending: int, threads: int = 1) -> None:
        self._max_pending = max_pending
        self._pending: set[Future[Any]] = set()
        self._thread = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="compute")

    @property
    def pending(self) -> int:
        """How many jobs are waiting or in work."""
        return len(self._pending)

    async def run(self, func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.submit(func, *args, **kwargs)

    def submit(self, func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[R]":
        """As `run`, but the place is taken, or refused, before this returns."""
        if len(self._pending) >= self._max_pending:
            raise Overloaded(f"{len(self._pending)} requests are already waiting; try again soon", reason="QUEUE_FULL")
        # In the caller's context: log lines keep the request's id, spans their parent.
        job = self._thread.submit(contextvars.copy_context().run, partial(func, *args, **kwargs))
        # A caller who hangs up drops a waiting job, but a started one still holds its place.
        self._pending.add(job)
        job.add_done_callback(self._pending.discard)
        return asyncio.wrap_future(job)

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
