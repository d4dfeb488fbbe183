"""The worker process: `python -m services.style_train.worker` takes trainings and carries each to its end.

Each training runs in a process of its own, so that its memory is freed for certain and a crash ends only it. The
worker itself loads no model: it relays reports to the row under its lease, and stops the child when it must.
"""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from enum import Enum
from typing import Protocol, TypeVar

from opentelemetry.trace import Span, SpanKind
from sqlalchemy.exc import DBAPIError
from structlog.contextvars import bound_contextvars

from services.common.artifacts import WITH_SECRETS, ArtifactStore, delete_prefix, open_store
from services.common.databases import create_database_engine
from services.common.errors import Unavailable
from services.common.leases import Lease, LeaseLost
from services.common.logs import configure_logging
from services.common.sweeping import sweeping_now_and_then
from services.common.telemetry.process import telling
from services.common.telemetry.tracing import current_traceparent, span
from services.style_train.child_process import ChildEnded, Nursery
from services.style_train.metrics import CRASHES, measure
from services.style_train.records import Checkpoint, Order, Report, Task, folder
from services.style_train.settings import StyleTrainSettings
from services.style_train.store import TrainingStore
from services.style_train.sweep import sweep_trainings

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_CRASHES = 3  # in a row, without a further checkpoint between them
_LOOK_SECONDS = 1.0  # how soon a signal is noticed while the child is silent


class Child(Protocol):
    """What the worker needs of the process of one training."""

    def begin(self, task: Task) -> None: ...
    def next_report(self, *, timeout_seconds: float) -> Report | None: ...
    def ask_to_stop(self) -> None: ...
    def kill(self) -> None: ...


class Children(Protocol):
    """Where the next one comes from; it is surely gone when its context ends."""

    def take(self) -> AbstractContextManager[Child]: ...


class Nurse(Children, Protocol):
    """Has the next one ready while nothing is to be done."""

    def prepare(self) -> None: ...


class _Wish(Enum):
    """Why the child was asked to stop."""

    CANCEL = "cancel"
    RELEASE = "release"


class Carrier:
    """One leased training, from its claim to its end."""

    def __init__(
        self, lease: Lease, artifacts: ArtifactStore, settings: StyleTrainSettings, stopping: threading.Event
    ) -> None:
        self._lease = lease
        self._job = lease.job
        self._artifacts = artifacts
        self._settings = settings
        self._stopping = stopping
        self._checkpoint = Checkpoint.model_validate(lease.job.checkpoint)
        self._replaced: str | None = None  # key of the checkpoint before the last one
        self._last_beat = time.monotonic()

    def run(self, children: Children) -> None:
        """Train in a child, and in another when it crashes, unless it does so again and again at the same place.

        Raises:
            LeaseLost: somebody else has the job now; nothing of ours was written since.
        """
        crashes = 0
        while crashes < MAX_CRASHES:
            before = self._checkpoint
            with children.take() as child:
                child.begin(self._task())
                if self._attend(child):
                    return
            CRASHES.inc()
            crashes = crashes + 1 if self._checkpoint.reached <= before.reached else 1
            log.warning("the training process ended without a word", extra={"job": self._job.id, "crashes": crashes})
        self._lease.quarantine(f"the training crashed or hung {MAX_CRASHES} times without getting further")

    def _attend(self, child: Child) -> bool:
        """True when the job has ended or was given back, False when the child crashed or hung."""
        wish: _Wish | None = None
        kill_at, heard_at = 0.0, time.monotonic()
        while True:
            try:
                report = child.next_report(timeout_seconds=min(_LOOK_SECONDS, self._settings.heartbeat_seconds))
            except ChildEnded:
                return self._obey(wish)
            if report is not None and (report.failure is not None or report.finished):
                self._end(report)
                return True
            if report is not None and report.measured is not None:
                measure(report.measured)
            cancelled = self._relay(report)
            now = time.monotonic()
            heard_at = heard_at if report is None else now
            if wish is None and (cancelled or self._stopping.is_set()):
                wish = _Wish.CANCEL if cancelled else _Wish.RELEASE
                kill_at = now + self._settings.stop_seconds
                child.ask_to_stop()
            elif (wish is not None and now > kill_at) or now - heard_at > self._settings.stall_seconds:
                child.kill()

    def _obey(self, wish: _Wish | None) -> bool:
        if wish is _Wish.CANCEL:
            self._lease.cancel()
            self._drop_checkpoints()
        elif wish is _Wish.RELEASE:
            self._lease.release()
            self._drop_replaced()
        return wish is not None

    def _relay(self, report: Report | None) -> bool:
        """Write what the child said, and now and then that we are here; True when the job is to be cancelled."""
        if report is not None and report.checkpoint is not None:
            return self._advance(report.checkpoint)
        progress = report.progress if report is not None else None
        if progress is None and time.monotonic() - self._last_beat < self._settings.heartbeat_seconds:
            return False
        try:
            return self._write(lambda: self._lease.heartbeat(progress.as_json() if progress is not None else None))
        except DBAPIError:  # it may come back in time; the next beat says more
            return False

    def _advance(self, checkpoint: Checkpoint) -> bool:
        """The pointer moves after the object was stored; the old object is dropped when the pointer moves once more.

        So whoever has just read the row, a backup above all, still finds what it names.
        """
        old = self._checkpoint.position
        value, reached = checkpoint.as_json(), checkpoint.reached
        cancelled = self._insist(lambda: self._lease.checkpoint(value, reached=reached))
        self._checkpoint = checkpoint
        if old is not None and old != checkpoint.position:
            self._drop_replaced()
            self._replaced = old.key
        return cancelled

    def _drop_replaced(self) -> None:
        if self._replaced is not None:
            with suppress(Unavailable):  # it goes with the others, at the end
                self._artifacts.delete(self._replaced)
        self._replaced = None

    def _end(self, report: Report) -> None:
        failure = report.failure
        if failure is not None:
            self._insist(lambda: self._lease.fail(failure.reason, failure.message))
            self._drop_replaced()
        else:
            self._insist(lambda: self._lease.finish({"learned": len(self._checkpoint.learned)}))
            self._drop_checkpoints()

    def _insist(self, write: Callable[[], T]) -> T:
        """Write although the database may be starting again, for as long as the lease may hold."""
        while True:
            try:
                return self._write(write)
            except DBAPIError:
                log.warning("the database does not answer", extra={"job": self._job.id})
                time.sleep(self._settings.claim_seconds)

    def _write(self, write: Callable[[], T]) -> T:
        """One write; past the lease somebody else may have the job, whatever the database would say.

        Raises:
            DBAPIError: it did not answer, and the lease may still hold.
            LeaseLost: it holds no longer.
        """
        began = time.monotonic()
        try:
            answer = write()
        except DBAPIError as error:
            if time.monotonic() - self._last_beat > self._settings.lease_seconds:
                raise LeaseLost(self._job.id) from error
            raise
        self._last_beat = began
        return answer

    def _drop_checkpoints(self) -> None:
        with suppress(Unavailable):  # they stay until the training is deleted
            delete_prefix(self._artifacts, f"{folder(self._job.owner, self._job.id)}checkpoints/")

    def _task(self) -> Task:
        return Task(
            job_id=self._job.id,
            owner=self._job.owner,
            order=Order.model_validate(self._job.payload),
            checkpoint=self._checkpoint,
            settings=self._settings.model_dump(mode="json", context=WITH_SECRETS),
            traceparent=current_traceparent(),
        )


def work(
    store: TrainingStore,
    artifacts: ArtifactStore,
    settings: StyleTrainSettings,
    stopping: threading.Event,
    nurse: Nurse,
) -> None:
    """Take one training after another until `stopping` is set, or until the settings say that it was enough."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    taken, idle_since = 0, time.monotonic()
    while not stopping.is_set() and (settings.most_trainings == 0 or taken < settings.most_trainings):
        try:
            lease = store.claim(worker=name, lease_seconds=settings.lease_seconds)
            if lease is None:
                if 0 < settings.idle_exit_seconds <= time.monotonic() - idle_since:
                    return
                nurse.prepare()
                stopping.wait(settings.claim_seconds)
                continue
            taken += 1  # one that is lost later counts too: whoever scales us has seen that we took it
            if settings.taken_file is not None:
                settings.taken_file.touch()
            carrier = Carrier(lease, artifacts, settings, stopping)
            with bound_contextvars(request_id=lease.job.id, owner=lease.job.owner), _span(lease):
                log.info("training begins", extra={"attempt": lease.job.attempt})
                carrier.run(nurse)
        except LeaseLost as lost:
            log.warning("the lease is lost", extra={"job": str(lost)})
        except DBAPIError:
            log.exception("the database does not answer")
            stopping.wait(settings.claim_seconds)
        idle_since = time.monotonic()


def _span(lease: Lease) -> AbstractContextManager[Span]:
    return span("carry training", kind=SpanKind.CONSUMER, parent=lease.job.traceparent, attempt=lease.job.attempt)


def main() -> None:
    configure_logging("style-train-worker")
    settings = StyleTrainSettings()
    stopping = threading.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, lambda *_: stopping.set())
    store = TrainingStore(
        create_database_engine(settings.database_url),
        max_queued=settings.max_queued,
        max_attempts_without_progress=settings.max_attempts_without_progress,
    )
    store.migrate()
    artifacts = open_store(settings.artifacts)
    log.info("working")
    with (
        telling("style-train-worker", settings.telemetry),
        Nursery() as nursery,
        sweeping_now_and_then(lambda now: sweep_trainings(store, artifacts, now=now)),
    ):
        work(store, artifacts, settings, stopping, nursery)
    log.info("stopped")


if __name__ == "__main__":
    main()
