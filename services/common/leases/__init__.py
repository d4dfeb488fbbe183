"""Durable jobs: a row in the owning service's database, worked under a fenced lease.

Rules that make it hold (`tests/chaos` shows what happens without them):
every write of a worker names the lease's token, so a worker that lost its lease changes nothing; only the database's
clock is asked; the end of a job and the rows it leads to are written in one transaction; only a checkpoint that is
further than the last is progress, and a job that stops again and again without any is put into quarantine.
"""

from services.common.leases.holds import DRAIN, EVERY_KIND, RESTORE, Hold, Holds, refuse_half_restored
from services.common.leases.lease import QUARANTINED, Lease, LeaseLost
from services.common.leases.queue import MAX_ATTEMPTS_WITHOUT_PROGRESS, LeaseQueue
from services.common.leases.rows import END_STATES, Job, job_table

__all__ = [
    "DRAIN",
    "END_STATES",
    "EVERY_KIND",
    "MAX_ATTEMPTS_WITHOUT_PROGRESS",
    "QUARANTINED",
    "RESTORE",
    "Hold",
    "Holds",
    "Job",
    "Lease",
    "LeaseLost",
    "LeaseQueue",
    "job_table",
    "refuse_half_restored",
]
