"""The lease queue under a simulated scheduler: workers that crash, stall and wake again, on a clock of our own.

One seed is one schedule, and gives the same one again. The statements are the real ones, on SQLite in memory; only the
clock is a function of the simulation. A job's work is to add its steps up, so that a result shows whether every step
was counted once; the end of a job writes a domain row in the same transaction, so that a job that ends twice shows.
Some jobs are poison: whoever shows their third step dies, before anything is saved.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from services.common.leases import MAX_ATTEMPTS_WITHOUT_PROGRESS, QUARANTINED, Lease, LeaseLost, LeaseQueue, job_table

TTL_SECONDS = 10.0
STEPS = 6
POISONED_STEP = 3
MOST_CLAIMS = 60  # of one healthy worker, after the trouble
WORKERS = 3
TICKS = 40


@dataclass
class Worker:
    lease: Lease | None = None
    step: int = 0
    total: int = 0
    asleep_for: int = 0


@dataclass
class Outcome:
    """What one schedule led to; empty lists are what must hold."""

    lost: list[str] = field(default_factory=list)
    ended_twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unfairly_set_aside: list[str] = field(default_factory=list)
    set_aside: int = 0
    refused_writes: int = 0

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.ended_twice, *self.wrong, *self.unfairly_set_aside]


class Simulation:
    """One database, used for many schedules one after another."""

    def __init__(self, kind: type[LeaseQueue] = LeaseQueue) -> None:
        self._engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        sa.event.listen(self._engine, "connect", self._give_clock)
        metadata = sa.MetaData()
        self._jobs = job_table(metadata)
        self._ends = sa.Table("ends", metadata, sa.Column("job", sa.String), sa.Column("total", sa.Integer))
        metadata.create_all(self._engine)
        self._seconds = 0.0
        self._queue = kind(self._engine, self._jobs, clock=sa.func.simulated_now(type_=sa.Double))

    def run(self, seed: int) -> Outcome:
        """One schedule: some ticks of trouble, then one healthy worker until nothing can be claimed."""
        self._reset()
        self._seconds = 0.0
        self._fruitless: Counter[str] = Counter()  # claims since a checkpoint, counted here
        dice = random.Random(seed)
        outcome = Outcome()
        workers = [Worker() for _ in range(WORKERS)]
        jobs = [self._add(dice, number) for number in range(dice.randint(1, 4))]
        for _ in range(TICKS):
            self._tick(dice, dice.choice(workers), jobs, outcome)
        self._heal(outcome)
        self._judge(outcome)
        return outcome

    def _reset(self) -> None:
        with self._engine.begin() as c:
            for table in (self._jobs, self._ends):
                c.execute(sa.delete(table))

    def _add(self, dice: random.Random, number: int) -> str:
        owner, priority = dice.choice(["ann", "bob"]), dice.choice([10, 100])
        payload = {"n": number, "poison": dice.random() < 0.1}
        job = self._queue.enqueue(kind="sum", owner=owner, payload=payload, key=str(number), priority=priority)
        again = self._queue.enqueue(kind="sum", owner=owner, payload=payload, key=str(number))
        assert again.id == job.id
        return job.id

    def _give_clock(self, connection: Any, _record: Any) -> None:
        connection.create_function("simulated_now", 0, lambda: self._seconds)

    def _tick(self, dice: random.Random, worker: Worker, jobs: list[str], outcome: Outcome) -> None:
        self._seconds += dice.choice([0.0, 0.5, 2.0, TTL_SECONDS / 2])
        if worker.asleep_for:
            worker.asleep_for -= 1
            return
        match dice.choices(["work", "crash", "stall", "release", "cancel"], [80, 8, 6, 4, 2])[0]:
            case "crash":
                worker.lease = None  # it remembers nothing; the row still says that it holds the job
            case "stall":
                worker.asleep_for = dice.randint(2, 12)
            case "release" if worker.lease is not None:
                held = worker.lease
                self._write(worker, outcome, held.release)
                if worker.lease is not None and self._fruitless[held.job.id]:
                    self._fruitless[held.job.id] -= 1  # given back, not failed
                worker.lease = None
            case "cancel":
                self._queue.request_cancel(dice.choice(jobs))
            case _:
                self._work(dice, worker, outcome)

    def _work(self, dice: random.Random, worker: Worker, outcome: Outcome) -> None:
        if worker.lease is None:
            worker.lease = self._queue.claim(["sum"], worker="w", ttl_seconds=TTL_SECONDS)
            if worker.lease is not None:
                self._fruitless[worker.lease.job.id] += 1
                saved = worker.lease.job.checkpoint
                worker.step, worker.total = saved.get("step", 0), saved.get("total", 0)
            return
        lease = worker.lease
        if worker.step == STEPS:
            self._write(worker, outcome, lambda: self._finish(lease, worker.total))
            worker.lease = None
            return
        worker.step += 1
        worker.total += worker.step
        if lease.job.payload["poison"] and worker.step == POISONED_STEP:
            self._write(worker, outcome, lambda: lease.heartbeat({"step": worker.step}))
            worker.lease = None
            return
        if dice.random() < 0.5:
            state = {"step": worker.step, "total": worker.total}
            self._write(worker, outcome, lambda: lease.checkpoint(state, reached=state["step"]))
            if worker.lease is not None:
                self._fruitless[lease.job.id] = 0
        elif self._write(worker, outcome, lambda: lease.heartbeat({"step": worker.step})):
            self._write(worker, outcome, lease.cancel)
            worker.lease = None

    def _finish(self, lease: Lease, total: int) -> None:
        def end(connection: sa.Connection) -> None:
            connection.execute(sa.insert(self._ends).values(job=lease.job.id, total=total))

        lease.finish({"total": total}, also=end)

    def _write(self, worker: Worker, outcome: Outcome, write: Any) -> Any:
        try:
            return write()
        except LeaseLost:
            outcome.refused_writes += 1
            worker.lease = None
            return None

    def _heal(self, outcome: Outcome) -> None:
        healthy, steady = Worker(), random.Random(0)
        idle = 0
        while (
            idle < 2 and self._fruitless.total() < MOST_CLAIMS
        ):  # nothing to claim, and after every lease has run out still nothing
            self._work(steady, healthy, outcome)
            idle = 0 if healthy.lease is not None or healthy.step else idle + 1
            if healthy.lease is None:
                healthy.step = 0
                self._seconds += TTL_SECONDS + 1

    def _judge(self, outcome: Outcome) -> None:
        right = sum(range(1, STEPS + 1))
        with self._engine.connect() as c:
            ends = c.execute(sa.select(self._ends.c.job, self._ends.c.total)).all()
            rows = c.execute(sa.select(self._jobs)).all()
        for row in rows:
            totals = [end.total for end in ends if end.job == row.id]
            if row.state not in ("succeeded", "failed", "cancelled"):
                outcome.lost.append(row.id)
            if len(totals) > 1 or (totals and row.state != "succeeded"):
                outcome.ended_twice.append(row.id)
            if row.state == "failed":
                outcome.set_aside += 1
                tried_often = self._fruitless[row.id] >= MAX_ATTEMPTS_WITHOUT_PROGRESS
                if row.error["reason"] != QUARANTINED or not tried_often:
                    outcome.unfairly_set_aside.append(row.id)
            if row.state == "succeeded" and (totals != [right] or row.result != {"total": right}):
                outcome.wrong.append(row.id)
