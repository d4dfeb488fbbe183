"""Who may come in: a bounded number of calls, over every stage of their work, and the rest refused at the door."""

import time
from collections.abc import Callable
from typing import Any, Protocol

from services.common.errors import Overloaded
from services.common.telemetry.metrics import PLACES, PLACES_TAKEN

_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.5, 30.0
_NEWEST_SHARE = 0.2  # of the newest stay in the mean of the stays


class Call(Protocol):
    """What is needed of a gRPC call's context."""

    def add_done_callback(self, callback: Callable[[Any], None], /) -> None:
        """Call back once when the call has ended, however it ends."""


class Places:
    """Places for calls. Belongs to one event loop.

    A place is taken before anything is done for a call, so that a refusal costs nothing and comes at once; it is free
    again when the call ends: answered, failed, cancelled, disconnected or out of time. The metrics call them by `door`.
    """

    def __init__(self, most: int, *, door: str = "calls", clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        PLACES.labels(door).set(most)
        self._gauge = PLACES_TAKEN.labels(door)
        self._taken = 0
        self._clock = clock
        self._mean_stay_seconds = 0.0

    @property
    def taken(self) -> int:
        """How many calls are inside."""
        return self._taken

    def take(self, call: Call) -> None:
        """Let `call` in.

        Raises:
            Overloaded: every place is taken; its retry delay is how long a place has lately taken to become free.
        """
        if self._taken >= self._most:
            raise Overloaded(
                f"{self._taken} requests are already waiting or under way; try again soon",
                reason="QUEUE_FULL",
                retry_after_seconds=self._until_one_leaves_seconds(),
            )
        self._taken += 1
        self._gauge.inc()
        came = self._clock()
        call.add_done_callback(lambda _: self._leave(came))

    def _leave(self, came: float) -> None:
        self._taken -= 1
        self._gauge.dec()
        self._mean_stay_seconds += _NEWEST_SHARE * (self._clock() - came - self._mean_stay_seconds)

    def _until_one_leaves_seconds(self) -> float:
        return min(max(self._mean_stay_seconds / self._most, _SHORTEST_SECONDS), _LONGEST_SECONDS)
