"""The row of a job: as a table of the owning service's metadata, and as a record."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from services.common.leases.holds import hold_table

END_STATES = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row. Times are None until they happen; `revision` grows with every change; `worker` is who had it last."""

    id: str
    kind: str
    owner: str
    payload: dict[str, Any]
    state: str
    progress: dict[str, Any]
    checkpoint: dict[str, Any]
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    cancel_requested: bool
    attempt: int
    worker: str | None
    revision: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    traceparent: str = ""  # W3C's, of the request that asked for the job

    @property
    def ended(self) -> bool:
        return self.state in END_STATES


def job_table(metadata: sa.MetaData, *, queue: str = "jobs") -> sa.Table:
    """The table, in the metadata of the service that owns it. Times are seconds since 1970 by the database's clock.

    Metrics call it by `queue`. Beside it stands the table of holds on its jobs.
    """
    hold_table(metadata)
    return sa.Table(
        "job",
        metadata,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255)),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("fruitless", sa.Integer, nullable=False, comment="attempts since the last progress"),
        sa.Column("reached", sa.Integer, nullable=False, comment="how far the furthest checkpoint is"),
        sa.Column("token", sa.Integer, nullable=False, comment="fencing token, one more with every claim"),
        sa.Column("worker", sa.String(128)),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.Column("run_after", sa.Double, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("progress", sa.JSON, nullable=False),
        sa.Column("checkpoint", sa.JSON, nullable=False),
        sa.Column("result", sa.JSON),
        sa.Column("error", sa.JSON),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("started_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("traceparent", sa.String(64), comment="of the request that asked for the job"),
        sa.UniqueConstraint("owner", "kind", "key", name="uq_job_owner_kind_key"),
        sa.Index("ix_job_claim", "kind", "state", "priority", "created_at"),
        sa.Index("ix_job_owner", "owner", "created_at"),
        info={"queue": queue},
    )


def to_job(row: sa.Row[Any]) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        owner=row.owner,
        payload=row.payload,
        state=row.state,
        progress=row.progress,
        checkpoint=row.checkpoint,
        result=row.result,
        error=row.error,
        cancel_requested=row.cancel_requested,
        attempt=row.attempt,
        worker=row.worker,
        revision=row.revision,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        started_at=_time(row.started_at),
        ended_at=_time(row.ended_at),
        traceparent=row.traceparent or "",
    )


def _time(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
