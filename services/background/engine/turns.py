"""Who draws next: every turn is one denoising step, shared by drawings of one size, and the turns go round.

Drawings join and leave between turns. A drawing that is under way gets a turn at least once in as many turns as there
are drawings under way, so nobody starves; one that is cancelled is gone before the next step.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Protocol

from services.background.engine.painter import Canvas
from services.background.engine.records import Done, DrawingSpec, Drawn, Event, Failed, Listener, Stepped, Waiting
from services.common.errors import Cancelled, Overloaded, ServiceError
from services.common.pictures import Pixels

log = logging.getLogger(__name__)

PREVIEWS_PER_RESULT = 8


class Paints(Protocol):
    """What the turns need of a painter."""

    def begin(self, spec: DrawingSpec, /) -> list[Canvas]: ...
    def step(self, canvases: Sequence[Canvas], /) -> None: ...
    def finish(self, canvas: Canvas, /) -> Pixels: ...
    def preview(self, canvas: Canvas, /) -> Pixels: ...


class Ticket:
    """A drawing's place in the rotation."""

    def __init__(self, spec: DrawingSpec, owner: str, listener: Listener) -> None:
        self.spec = spec
        self.owner = owner
        self.canvases: list[Canvas] = []
        self.results_left = spec.count
        self.position = -1
        self.left = False
        self._listener = listener

    @property
    def size(self) -> tuple[int, int]:
        return self.spec.width, self.spec.height

    def leave(self) -> None:
        """Give the place back; the step under way is the last. Any thread may call it."""
        self.left = True

    def tell(self, event: Event) -> None:
        if not self.left:
            self._listener(event)


OnStep = Callable[[float, int], object]
"""Called after each step with its seconds and the rows of its batch, to be measured.

A GPU is ahead of us by one step at most: it is waited for when the next step's times are put on it.
"""


class Turns:
    """Gives turns to drawings. One thread takes them (`run`); any thread may `submit`."""

    def __init__(self, painter: Paints, *, max_rows: int, max_pending: int, on_step: OnStep | None = None) -> None:
        self._painter = painter
        self._max_rows = max_rows
        self._max_active = max(1, max_rows // 2)
        self._max_pending = max_pending
        self._on_step = on_step
        self._changed = threading.Condition()
        self._waiting: list[Ticket] = []
        self._active: deque[Ticket] = deque()
        self._closed = False

    @property
    def pending(self) -> int:
        """How many drawings are waiting or under way, those included that have left within this step."""
        with self._changed:
            return len(self._waiting) + len(self._active)

    def submit(self, spec: DrawingSpec, *, owner: str, listener: Listener) -> Ticket:
        """Queue a drawing; `listener` hears of it from the drawing thread and must not block.

        Raises:
            Overloaded: as many drawings are waiting or under way as may be.
        """
        ticket = Ticket(spec, owner, listener)
        with self._changed:
            self._refuse_if_full()
            self._waiting.append(ticket)
            self._tell_positions()
            self._changed.notify()
        return ticket

    def run(self) -> None:
        """Take turns until `close`."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting or self._active)
                if self._closed:
                    break
            try:
                self.take_turn()
            except Exception as error:  # noqa: BLE001 (a bug of ours ends the drawings under way, never the thread)
                self._fail(list(self._active), error)
        for ticket in (*self._waiting, *self._active):
            ticket.tell(Failed(Cancelled("the service is stopping; try again", reason="STOPPING")))

    def close(self) -> None:
        """End `run` after the step under way; drawings that are not finished fail."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take_turn(self) -> None:
        """Let drawings in, and make one step of those that share a batch."""
        self._drop_left()
        while (ticket := self._admit()) is not None:
            self._begin(ticket)
        self._drop_left()
        if self._active:
            sharing = self._sharing()
            self._step(sharing)
            self._rotate(sharing)

    def _refuse_if_full(self) -> None:
        # One that has left holds its place until the step under way is over: its work is still being done.
        here = len(self._waiting) + len(self._active)
        if self._closed or here >= self._max_pending:
            raise Overloaded(f"{here} drawings are already waiting; try again soon", reason="QUEUE_FULL")

    def _drop_left(self) -> None:
        with self._changed:
            self._waiting = [ticket for ticket in self._waiting if not ticket.left]
            self._active = deque(ticket for ticket in self._active if not ticket.left)
            self._tell_positions()

    def _admit(self) -> Ticket | None:
        """The next to be taken up: the first in line of the owner who has the fewest drawings under way."""
        with self._changed:
            if not self._waiting or len(self._active) >= self._max_active:
                return None
            under_way = Counter(ticket.owner for ticket in self._active)
            ticket = min(self._waiting, key=lambda one: under_way[one.owner])
            self._waiting.remove(ticket)
            self._active.append(ticket)
            self._tell_positions()
            return ticket

    def _tell_positions(self) -> None:
        for position, ticket in enumerate(self._waiting):
            if ticket.position != position:
                ticket.position = position
                ticket.tell(Waiting(position=position))

    def _begin(self, ticket: Ticket) -> None:
        try:
            ticket.canvases = self._painter.begin(ticket.spec)
        except Exception as error:  # noqa: BLE001 (one drawing's failure is its own; the caller logs what is a bug)
            self._fail([ticket], error)
            return
        self._finish([(ticket, canvas) for canvas in ticket.canvases if canvas.finished])

    def _sharing(self) -> list[tuple[Ticket, Canvas]]:
        """The canvases of the next step: those of the first in the rotation, and others of its size.

        Each drawing gives one canvas before any gives a second.
        """
        same = [ticket for ticket in self._active if ticket.size == self._active[0].size]
        columns = [[(ticket, canvas) for canvas in ticket.canvases if not canvas.finished] for ticket in same]
        deepest = max(len(column) for column in columns)
        chosen: list[tuple[Ticket, Canvas]] = []
        rows = 0
        for depth in range(deepest):
            for column in columns:
                if depth < len(column) and (not chosen or rows + column[depth][1].rows <= self._max_rows):
                    chosen.append(column[depth])
                    rows += column[depth][1].rows
        return chosen

    def _step(self, sharing: list[tuple[Ticket, Canvas]]) -> None:
        began = time.monotonic()
        try:
            self._painter.step([canvas for _, canvas in sharing])
        except Exception as error:  # noqa: BLE001 (every drawing in the step hears of it)
            self._fail([ticket for ticket, _ in sharing], error)
            return
        if self._on_step is not None:
            self._on_step(time.monotonic() - began, sum(canvas.rows for _, canvas in sharing))
        for ticket, canvas in {id(ticket): (ticket, canvas) for ticket, canvas in reversed(sharing)}.values():
            self._tell_progress(ticket, canvas)
        self._finish([(ticket, canvas) for ticket, canvas in sharing if canvas.finished])

    def _tell_progress(self, ticket: Ticket, canvas: Canvas) -> None:
        total = len(canvas.timesteps)
        done = canvas.steps_done
        due = done * PREVIEWS_PER_RESULT // total != (done - 1) * PREVIEWS_PER_RESULT // total
        preview = self._painter.preview(canvas) if ticket.spec.previews and due and not ticket.left else None
        step = sum(one.steps_done for one in ticket.canvases)
        ticket.tell(Stepped(step=step, steps=total * len(ticket.canvases), preview_HWC=preview))

    def _finish(self, finished: list[tuple[Ticket, Canvas]]) -> None:
        for ticket, canvas in finished:
            if ticket.left:
                continue
            try:
                image_HWC = self._painter.finish(canvas)
            except Exception as error:  # noqa: BLE001 (as in `_begin`)
                self._fail([ticket], error)
                continue
            ticket.tell(Drawn(index=canvas.index, seed=canvas.seed, image_HWC=image_HWC))
            ticket.results_left -= 1
            if not ticket.results_left:
                self._end(ticket, Done())

    def _fail(self, tickets: Sequence[Ticket], error: Exception) -> None:
        if not isinstance(error, ServiceError):
            log.error("a step failed", exc_info=error)
        for ticket in dict.fromkeys(tickets):
            self._end(ticket, Failed(error))

    def _end(self, ticket: Ticket, event: Event) -> None:
        with self._changed:  # the place is free before anybody hears that it is
            if ticket in self._active:
                self._active.remove(ticket)
        ticket.tell(event)
        ticket.leave()

    def _rotate(self, sharing: list[tuple[Ticket, Canvas]]) -> None:
        """Who had a turn goes to the back."""
        had = {id(ticket) for ticket, _ in sharing}
        with self._changed:
            rested = [ticket for ticket in self._active if id(ticket) not in had]
            drawn = [ticket for ticket in self._active if id(ticket) in had]
            self._active = deque([*rested, *drawn])
