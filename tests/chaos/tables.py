"""What the jobs of the harness are: sums to be added up, and a domain row for each end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from services.common.leases import Lease, LeaseQueue, job_table

KIND = "sum"

metadata = sa.MetaData()
jobs = job_table(metadata)
# No key: a job that ends twice leaves two rows, whatever its own row says.
ends = sa.Table(
    "ends",
    metadata,
    sa.Column("job", sa.String(32), nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("worker", sa.String(128), nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One job's payload.

    Whoever reaches step `poison` dies there, until the arena is healed. Who reaches step `stall` first is stopped
    there: between two transactions, for within one it would hold the database up and lose nothing.
    """

    seed: int
    steps: int
    poison: int | None = None
    stall: int | None = None


def fold(total: int, step: int, *, seed: int) -> int:
    """One step of the work: left out, done twice or done in another order, it gives another total."""
    return (total * 31 + seed + step) % 1_000_003


def right_total(work: Work) -> int:
    total = 0
    for step in range(1, work.steps + 1):
        total = fold(total, step, seed=work.seed)
    return total


class UnfencedLease(Lease):
    """Negative control: a worker writes whether it still holds the lease or not."""

    def _held(self) -> sa.ColumnElement[bool]:
        return self._table.c.id == self.job.id


class Unfenced(LeaseQueue):
    def _lease(self, row: sa.Row[Any], ttl_seconds: float) -> Lease:
        return UnfencedLease(self._engine, self._table, self.now, row, ttl_seconds)


class NeverReclaimed(LeaseQueue):
    """Negative control: what a silent worker holds is left to it."""

    def _free(self) -> sa.ColumnElement[bool]:
        return self._table.c.state == "queued"


class ForgivingLease(Lease):
    """Negative control: progress that was only shown counts, as long as it is shown."""

    def heartbeat(self, progress: dict[str, Any] | None = None) -> bool:
        cancelled = super().heartbeat(progress)
        if progress is not None:
            self._write({"fruitless": 0})
        return cancelled


class Forgiving(LeaseQueue):
    def _lease(self, row: sa.Row[Any], ttl_seconds: float) -> Lease:
        return ForgivingLease(self._engine, self._table, self.now, row, ttl_seconds)


KINDS: dict[str, Callable[..., LeaseQueue]] = {
    kind.__name__: kind for kind in (LeaseQueue, Unfenced, NeverReclaimed, Forgiving)
}
