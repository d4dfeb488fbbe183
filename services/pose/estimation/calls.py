"""One caller of pose estimation: how long it still waits, and whether it is still there."""

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from services.common.errors import Cancelled

R = TypeVar("R")

ANSWER_SECONDS = 0.1
"""Kept back from the caller's deadline, so that our answer, or our reason, still reaches it."""


class Context(Protocol):
    """What is needed of a gRPC call's context."""

    def time_remaining(self) -> float | None:
        """Seconds until the deadline."""

    def add_done_callback(self, callback: Callable[[Any], None], /) -> None:
        """Call back once when the call has ended, however it ends."""


class Call:
    """Made on the event loop; its work waits in a thread for what runs on the loop."""

    def __init__(self, context: Context) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends = self._loop.time() + (context.time_remaining() or 0.0) - ANSWER_SECONDS
        self._waiting: concurrent.futures.Future[Any] | None = None
        self._left = False
        context.add_done_callback(self._leave)

    def remaining_seconds(self) -> float:
        """Seconds that are left for the work; never negative."""
        return max(0.0, self._ends - self._loop.time())

    def wait_for(self, work: Coroutine[Any, Any, R]) -> R:
        """Run `work` on the event loop and wait for it in this thread, which must be another.

        Raises:
            Cancelled: the caller left; the work is cancelled then.
        """
        self._waiting = asyncio.run_coroutine_threadsafe(work, self._loop)
        if self._left:
            self._waiting.cancel()
        try:
            result: R = self._waiting.result()
        except concurrent.futures.CancelledError as error:
            raise Cancelled("the caller left", reason="CALLER_LEFT") from error
        return result

    def _leave(self, _: Any) -> None:
        self._left = True
        if self._waiting is not None:
            self._waiting.cancel()
