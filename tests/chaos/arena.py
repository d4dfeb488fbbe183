"""Real worker processes on a real database, what is done to them, and what came of it."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import psutil
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from services.common.databases import create_database_engine
from services.common.leases import MAX_ATTEMPTS_WITHOUT_PROGRESS, Job, LeaseQueue
from tests.chaos.tables import KIND, Work, ends, jobs, metadata, right_total
from tests.chaos.worker import HEALED, Orders, as_line

T = TypeVar("T")

OWNERS = ("ann", "bob", "cho")
PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line that a worker wrote; `at_seconds` since 1970."""

    at_seconds: float
    worker: str
    what: str  # claim, step, finish or refused
    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What must be empty, and what was seen."""

    jobs: int
    lost: list[str]
    finished_twice: list[str]
    wrong: list[str]
    refused_writes: int
    wasted_steps: float  # beyond those needed, as a share of those needed
    most_attempts: int

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.finished_twice, *self.wrong]


@dataclass
class Arena:
    """Workers of one queue in one folder; `with` it, for they are killed at its end."""

    url: str
    folder: Path
    seed: int
    queue_kind: str = "LeaseQueue"
    ttl_seconds: float = 2.0
    step_seconds: float = 0.02
    max_attempts_without_progress: int = MAX_ATTEMPTS_WITHOUT_PROGRESS
    dice: random.Random = field(init=False)
    queue: LeaseQueue = field(init=False)
    works: dict[str, Work] = field(default_factory=dict)
    alive: dict[str, int] = field(default_factory=dict)  # worker's name to process id
    _names: int = 0

    def __enter__(self) -> Self:
        self.dice = random.Random(self.seed)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._engine = create_database_engine(self.url)
        metadata.create_all(self._engine)
        self.queue = LeaseQueue(self._engine, jobs)
        command = [sys.executable, "-m", "tests.chaos.worker"]
        with (self.folder / "stderr").open("w", encoding="utf-8") as errors:
            self._starter = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._starter.communicate(timeout=60)  # standard input closes: it kills whom it started
        self._engine.dispose()

    def start_worker(self) -> str:
        name = f"w{self._names}"
        self._names += 1
        orders = Orders(
            name=name,
            queue=self.queue_kind,
            url=self.url,
            folder=str(self.folder),
            ttl_seconds=self.ttl_seconds,
            step_seconds=self.step_seconds,
            max_attempts_without_progress=self.max_attempts_without_progress,
        )
        assert self._starter.stdin is not None
        assert self._starter.stdout is not None
        self._starter.stdin.write(as_line(orders))
        self._starter.stdin.flush()
        self.alive[name] = int(self._starter.stdout.readline())
        return name

    def add(
        self, *, steps: int = 30, poison: int | None = None, stall: int | None = None, priority: int | None = None
    ) -> str:
        """One more job, by one of the owners; recorded twice under its key, which must be once."""
        number = len(self.works)
        work = Work(seed=self.dice.randrange(1000), steps=steps, poison=poison, stall=stall)
        key, owner = f"k{number}", OWNERS[number % len(OWNERS)]
        drawn = self.dice.choice((10, 100))

        def enqueue() -> Job:
            urgency = drawn if priority is None else priority
            return self.queue.enqueue(kind=KIND, owner=owner, key=key, payload=asdict(work), priority=urgency)

        job_id = self.ask(enqueue).id
        assert self.ask(enqueue).id == job_id
        self.works[job_id] = work
        return job_id

    def ask(self, question: Callable[[], T]) -> T:
        """Ask the database, which may be starting again."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return question()
            except DBAPIError:
                if time.monotonic() > until:
                    raise
                time.sleep(LOOK_SECONDS)

    def until(self, holds: Callable[[], T | None], what: str) -> T:
        """Look until there is an answer.

        Raises:
            TimeoutError: there was none in `PATIENCE_SECONDS`.
        """
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            answer = self.ask(holds)
            if answer is not None:
                return answer
            assert self.complaints() == ""
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"waited for {what}; seed {self.seed}, files in {self.folder}")

    def leases(self) -> dict[str, str]:
        """Workers, dead or alive, whose lease has not run out, and the job of each."""
        t, now = jobs.c, self.queue.now
        held = sa.select(t.worker, t.id).where(t.state == "running", t.lease_until > now).order_by(t.worker)

        def found() -> dict[str, str]:
            with self._engine.connect() as c:
                return {row.worker: row.id for row in c.execute(held)}

        return self.ask(found)

    def holders(self) -> dict[str, str]:
        """Those of them that are alive."""
        return {worker: job for worker, job in self.leases().items() if worker in self.alive}

    def unfinished(self) -> int:
        waiting = sa.select(sa.func.count()).where(jobs.c.state.in_(("queued", "running")))

        def count() -> int:
            with self._engine.connect() as c:
                return int(c.execute(waiting).scalar_one())

        return self.ask(count)

    def send(self, worker: str, number: signal.Signals) -> None:
        psutil.Process(self.alive[worker]).send_signal(number)
        if number == signal.SIGKILL:
            del self.alive[worker]

    def workers_that_are(self, status: str) -> list[str]:
        """By psutil's names: `STATUS_STOPPED`; `STATUS_ZOMBIE` is a dead one."""
        return [name for name, pid in self.alive.items() if psutil.Process(pid).status() == status]

    def replace_dead(self) -> int:
        """Start a worker for each that died by itself; how many."""
        dead = self.workers_that_are(psutil.STATUS_ZOMBIE)
        for name in dead:
            del self.alive[name]
            self.start_worker()
        return len(dead)

    def heal(self) -> None:
        """From now on no job is poison."""
        (self.folder / HEALED).touch()

    def events(self) -> list[Event]:
        path = self.folder / "events"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        parts = (json.loads(line) for line in lines)
        return [Event(at_seconds=at, worker=worker, what=what, job=job) for at, worker, what, job in parts]

    def complaints(self) -> str:
        """What workers wrote to standard error: nothing, unless the harness itself is broken."""
        return (self.folder / "stderr").read_text(encoding="utf-8")

    def verdict(self) -> Verdict:
        def read_ends() -> list[tuple[str, int]]:
            with self._engine.connect() as c:
                return [(row.job, row.total) for row in c.execute(sa.select(ends.c.job, ends.c.total))]

        ended, rows = self.ask(read_ends), {job_id: self.queue.get(job_id) for job_id in self.works}
        count = Counter(job for job, _ in ended)
        right = {job: right_total(work) for job, work in self.works.items()}
        succeeded = {row.id: row for row in rows.values() if row is not None and row.state == "succeeded"}
        seen = Counter(event.what for event in self.events())
        needed = sum(work.steps for work in self.works.values())
        return Verdict(
            jobs=len(self.works),
            lost=[f"{job}: {_how(row)}" for job, row in rows.items() if job not in succeeded],
            finished_twice=[job for job, times in count.items() if times > 1],
            wrong=[
                job
                for job, row in succeeded.items()
                if row.result != {"total": right[job]} or (job, right[job]) not in ended
            ],
            refused_writes=seen["refused"],
            wasted_steps=seen["step"] / needed - 1,
            most_attempts=max(row.attempt for row in rows.values() if row is not None),
        )


def _how(row: Job | None) -> str:
    return "no row" if row is None else f"{row.state} {row.error or ''}"
