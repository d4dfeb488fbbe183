"""What a job's row should say about its progress; work writes it, the lease's keeper sends it on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A rough picture that is not stored yet."""

    content: bytes
    media_type: str


class Progress:
    """Newest state of one job, on the event loop. Time left comes from measured steps only."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.events = 0  # grows with every sign of life from the service
        self._clock = clock
        self._values: dict[str, Any] = {}
        self._preview: Preview | None = None
        self._first: tuple[float, int] | None = None
        self._sent: dict[str, Any] | None = None

    def waiting(self, position: int) -> None:
        self.events += 1
        self._first = None
        self._values |= {"stage": "waiting", "queue_position": position, "seconds_left": None}

    def retrying(self, stage: str) -> None:
        self._first = None
        self._values |= {"stage": stage, "queue_position": None, "seconds_left": None}

    def drawn(self, step: int, steps: int, preview: Preview | None) -> None:
        self.events += 1
        now = self._clock()
        started, first_step = self._first = self._first or (now, step)
        measured = step - first_step
        seconds_left = round((now - started) / measured * (steps - step), 1) if measured > 0 else None
        self._values |= {"steps_done": step, "steps_total": steps, "seconds_left": seconds_left}
        self._values |= {"stage": "drawing", "queue_position": None}
        self._preview = preview or self._preview

    def report(self, **values: Any) -> None:
        """Set what a service measured itself."""
        self.events += 1
        self._values |= values

    def take_preview(self) -> Preview | None:
        preview, self._preview = self._preview, None
        return preview

    def take_changes(self) -> dict[str, Any] | None:
        """All values, if any changed since the last call."""
        if self._values == self._sent:
            return None
        self._sent = dict(self._values)
        return dict(self._values)
