"""How long a job puts up with a service that is down or full.

Drawing again is safe: results are decided by the request and its seed, and lie under the request's id.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from services.common.errors import Cancelled, Overloaded, ServiceError, Unavailable
from services.gateway.worker.progress import Progress

log = logging.getLogger(__name__)

T = TypeVar("T")

STORE_REASONS = {"ARTIFACTS_DOWN", "ARTIFACTS_FULL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Bounds on trying again; a service that begins and dies is tried `max_interruptions` times."""

    down_seconds: float = 120.0
    busy_seconds: float = 1800.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 8.0
    max_interruptions: int = 6


async def persist(attempt: Callable[[], Awaitable[T]], progress: Progress, patience: Patience) -> T:
    """The attempt's answer, tried again while its service is down or full.

    Raises:
        ServiceError: what the attempt raised, when trying again cannot help or has helped for long enough.
    """
    interruptions, wait = 0, patience.first_wait_seconds
    quiet_since = time.monotonic()
    while True:
        events = progress.events
        try:
            return await attempt()
        except (Overloaded, Unavailable, Cancelled) as error:
            # A store that is down is waited for as a service that is down, although the drawing got as far as its end.
            if progress.events > events and error.reason not in STORE_REASONS:
                interruptions, wait, quiet_since = interruptions + 1, patience.first_wait_seconds, time.monotonic()
            quiet_seconds = time.monotonic() - quiet_since
            if _is_hopeless(error, patience, quiet_seconds, interruptions):
                raise
            progress.retrying("waiting" if isinstance(error, Overloaded) else "retrying")
            pause = max(wait, error.retry_after_seconds) if isinstance(error, Overloaded) else wait
            log.info("trying again", extra={"reason": error.reason, "pause_seconds": pause})
            await asyncio.sleep(pause)
            wait = min(2 * wait, patience.longest_wait_seconds)


def _is_hopeless(error: ServiceError, patience: Patience, quiet_seconds: float, interruptions: int) -> bool:
    bound = patience.busy_seconds if isinstance(error, Overloaded) else patience.down_seconds
    return error.reason == "BUG" or quiet_seconds > bound or interruptions >= patience.max_interruptions
