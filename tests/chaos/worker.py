"""Worker processes of the chaos harness: `python -m tests.chaos.worker` starts one for each line of standard input.

They are forked from a process that has loaded everything and opened nothing, so that a hundred killed ones cost little.
When standard input closes, whoever asked is gone, and so are they.
"""

import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from services.common.artifacts import FolderStore
from services.common.databases import create_database_engine
from services.common.leases import Lease, LeaseLost
from tests.chaos.tables import KIND, KINDS, Work, ends, fold, jobs

SAVE_EVERY = 5  # steps
IDLE_SECONDS = 0.05
HEALED, STALLED = "healed", "stalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What one worker is told."""

    name: str
    queue: str  # one of KINDS
    url: str
    folder: str
    ttl_seconds: float
    step_seconds: float
    max_attempts_without_progress: int


class Worker:
    """Claims sums and adds them up, until it is told to stop."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._engine = create_database_engine(orders.url)
        cap = orders.max_attempts_without_progress
        self._queue = KINDS[orders.queue](self._engine, jobs, max_attempts_without_progress=cap)
        self._store = FolderStore(Path(orders.folder) / "artifacts")
        self._log = os.open(Path(orders.folder) / "events", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._stopping = False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def run(self) -> None:
        while not self._stopping:
            try:
                lease = self._queue.claim([KIND], worker=self._orders.name, ttl_seconds=self._orders.ttl_seconds)
                if lease is None:
                    time.sleep(IDLE_SECONDS)
                    continue
                self._note("claim", lease)
                self._carry(lease)
            except LeaseLost as lost:
                self._write("refused", str(lost))
            except DBAPIError:  # it was restarted under us: what we held runs out
                time.sleep(IDLE_SECONDS)

    def _carry(self, lease: Lease) -> None:
        work = Work(**lease.job.payload)
        step, total = self._saved(lease)
        beaten = time.monotonic()
        while step < work.steps:
            if self._stopping:
                lease.release()
                return
            step += 1
            total = fold(total, step, seed=work.seed)
            self._note("step", lease)
            time.sleep(self._orders.step_seconds)
            try:
                began = time.monotonic()
                self._record(lease, step, total)
                beaten = began
            except DBAPIError:
                if time.monotonic() - beaten > self._orders.ttl_seconds:
                    raise
            self._suffer(work, step)
        self._finish(lease, total)

    def _suffer(self, work: Work, step: int) -> None:
        folder = Path(self._orders.folder)
        if step == work.poison and not (folder / HEALED).exists():
            os.kill(os.getpid(), signal.SIGKILL)
        if step == work.stall and not (folder / STALLED).exists():
            (folder / STALLED).touch()
            os.kill(os.getpid(), signal.SIGSTOP)

    def _saved(self, lease: Lease) -> tuple[int, int]:
        if not lease.job.checkpoint:
            return 0, 0
        step, total = json.loads(self._store.get(lease.job.checkpoint["key"]))
        return step, total

    def _record(self, lease: Lease, step: int, total: int) -> None:
        """Show progress; now and then save it: the object first, under a name of its own, then the pointer."""
        if step % SAVE_EVERY:
            lease.heartbeat({"step": step})
            return
        key = f"{lease.job.owner}/checkpoints/{lease.job.id}-{step}-{self._orders.name}-{lease.job.attempt}"
        self._store.put(key, json.dumps([step, total]).encode(), "application/json")
        lease.checkpoint({"key": key}, reached=step)

    def _finish(self, lease: Lease, total: int) -> None:
        def end(connection: sa.Connection) -> None:
            connection.execute(sa.insert(ends).values(job=lease.job.id, total=total, worker=self._orders.name))

        lease.finish({"total": total}, also=end)
        self._note("finish", lease)

    def _note(self, event: str, lease: Lease) -> None:
        self._write(event, lease.job.id)

    def _write(self, event: str, job_id: str) -> None:
        line = json.dumps([time.time(), self._orders.name, event, job_id]) + "\n"
        os.write(self._log, line.encode())  # one write: lines of several processes never mix


def main() -> None:
    started = []
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            Worker(Orders(**json.loads(line))).run()
            os._exit(0)
        started.append(pid)  # nobody waits for the dead, so that no number is used twice
        print(pid, flush=True)  # noqa: T201 (this is how the harness learns of it)
    for pid in started:
        os.kill(pid, signal.SIGKILL)


def as_line(orders: Orders) -> str:
    return json.dumps(asdict(orders)) + "\n"


if __name__ == "__main__":
    main()
