"""What carrying a job means, whatever its kind."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from services.common.errors import ServiceError
from services.common.leases import Job
from services.gateway.tables import Table
from services.gateway.worker.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """How a job ended well: what its row says, and the rows that are written in the same transaction."""

    result: dict[str, Any] = field(default_factory=dict)
    first: Callable[[sa.Connection], None] | None = None  # in that transaction, before the rows
    rows: list[Table] = field(default_factory=list)
    also: Callable[[sa.Connection], None] | None = None  # in that transaction, after the rows
    afterwards: Callable[[], None] | None = None  # when it is committed; may fail without harm


class JobFailed(Exception):
    """The service says that the job failed, and why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class JobStopped(Exception):
    """The service says that the job was cancelled."""


class Work(Protocol):
    """One job being carried to its service."""

    async def run(self, progress: Progress) -> Finish:
        """Do the job; cancelling this coroutine must free what it holds at the service."""

    async def stop(self) -> None:
        """After `run` was cancelled because the owner asked: make sure that the service stops too."""


def seed_of(job: Job) -> int:
    """The seed that was asked for; else one decided by the job's id, so that doing it again draws the same."""
    asked = job.payload["request"]["seed"]
    if asked is not None:
        return int(asked)
    return int.from_bytes(hashlib.sha256(job.id.encode()).digest()[:4], "big")


def reason_and_message(error: Exception) -> tuple[str, str] | None:
    """What a job's row says about an error; None for a bug, whose words are nobody's business."""
    if isinstance(error, ServiceError | JobFailed):
        return error.reason, str(error)
    return None
