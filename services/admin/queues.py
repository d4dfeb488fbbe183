"""Jobs as an operator sees them: whose, how often tried, how old; never what was asked for."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from services.admin.places import STYLE_TRAIN, Place
from services.common.databases import reading
from services.common.errors import Conflict, InvalidInput, NotFound
from services.common.leases import DRAIN, END_STATES, EVERY_KIND, QUARANTINED, Hold, Job

STATES = ("queued", "running", *END_STATES, "quarantined")
FOLLOWS = "training"  # the gateway's jobs of this kind do no work of their own: they follow a training
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSeen:
    """One row, without its payload, progress, or message."""

    service: str
    id: str
    kind: str
    state: str
    owner: str
    attempt: int
    fruitless: int
    age_seconds: float
    silent_seconds: float | None  # past the end of its lease; None while somebody holds it, or nobody should
    worker: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """None: whatever it is."""

    state: str | None = None
    kind: str | None = None
    owner: str | None = None
    limit: int = 100


def list_jobs(places: Sequence[Place], wanted: JobFilter) -> list[JobSeen]:
    """The newest jobs of each service.

    Raises:
        InvalidInput: no such state.
    """
    if wanted.state is not None and wanted.state not in STATES:
        raise InvalidInput(f"no state {wanted.state!r}: there are {', '.join(STATES)}", reason="STATE")
    return [job for place in places for job in _jobs_of(place, wanted)]


def _jobs_of(place: Place, wanted: JobFilter) -> list[JobSeen]:
    t = place.jobs.c
    columns = (t.id, t.kind, t.state, t.owner, t.attempt, t.fruitless, t.created_at, t.lease_until, t.worker)
    reason = t.error["reason"].as_string()
    shown: list[sa.ColumnElement[Any]] = [*columns, reason.label("reason"), place.queue.now.label("now")]
    query = sa.select(*shown)
    if wanted.state == "quarantined":
        query = query.where(t.state == "failed", reason == QUARANTINED)
    elif wanted.state is not None:
        query = query.where(t.state == wanted.state)
    for column, value in ((t.kind, wanted.kind), (t.owner, wanted.owner)):
        if value is not None:
            query = query.where(column == value)
    query = query.order_by(t.created_at.desc(), t.id.desc()).limit(wanted.limit)
    with reading(place.engine).connect() as connection:
        return [_seen(place.name, row) for row in connection.execute(query)]


def _seen(service: str, row: sa.Row[Any]) -> JobSeen:
    silent = row.now - row.lease_until if row.state == "running" and row.lease_until < row.now else None
    return JobSeen(
        service=service,
        id=row.id,
        kind=row.kind,
        state="quarantined" if row.state == "failed" and row.reason == QUARANTINED else row.state,
        owner=row.owner,
        attempt=row.attempt,
        fruitless=row.fruitless,
        age_seconds=round(row.now - row.created_at, 1),
        silent_seconds=None if silent is None else round(silent, 1),
        worker=row.worker,
        reason=row.reason,
    )


def counts(place: Place) -> dict[str, int]:
    """How many jobs are in each state."""
    t = place.jobs.c
    with reading(place.engine).connect() as connection:
        rows = connection.execute(sa.select(t.state, sa.func.count()).group_by(t.state)).all()
    return {row[0]: row[1] for row in rows}


def requeue(places: Sequence[Place], job_id: str, *, any_failure: bool) -> list[Job]:
    """Let a job go on that was set aside; and the training that it follows, if that was set aside too.

    Raises:
        NotFound: no such job.
        Conflict: it was not set aside; or with `any_failure`, has not failed.
    """
    holder = next((place for place in places if place.queue.get(job_id) is not None), None)
    if holder is None:
        raise NotFound(f"no job {job_id!r}: see `oma admin jobs`", reason="NO_JOB")
    again = [holder.queue.requeue(job_id, any_failure=any_failure)]
    followed = again[0].checkpoint.get("training_id") if again[0].kind == FOLLOWS else None
    for place in places:
        if followed is not None and place.name == STYLE_TRAIN:
            with suppress(Conflict, NotFound):  # it goes well, or was deleted
                again.append(place.queue.requeue(followed, any_failure=any_failure))
    return again


def set_aside(places: Sequence[Place]) -> list[tuple[Place, Job]]:
    """Every job in quarantine, trainings first: the gateway's jobs follow them."""
    ordered = sorted(places, key=lambda place: place.name != STYLE_TRAIN)
    return [(place, job) for place in ordered for job in place.queue.quarantined(size=10_000)]


def drain(places: Sequence[Place], kind: str | None) -> None:
    """Stop claims. Raises Conflict when a restore holds them already."""
    for place in places:
        place.holds.put(kind or EVERY_KIND, DRAIN)


def undrain(places: Sequence[Place], kind: str | None) -> int:
    return sum(place.holds.lift(DRAIN, kind=kind) for place in places)


def held(places: Sequence[Place]) -> list[tuple[Place, Hold]]:
    return [(place, hold) for place in places for hold in place.holds.all()]


def still_running(place: Place, kind: str | None) -> int:
    """Jobs that a worker holds and works on; the gateway's that only follow a training are not counted."""
    t = place.jobs.c
    held_now = sa.select(sa.func.count()).where(t.state == "running", t.lease_until >= place.queue.now)
    held_now = held_now.where(t.kind == kind) if kind is not None else held_now.where(t.kind != FOLLOWS)
    with reading(place.engine).connect() as connection:
        return connection.execute(held_now).scalar_one()


def wait_until_idle(places: Sequence[Place], kind: str | None, *, seconds: float, tell: Callable[[int], None]) -> int:
    """Look until nothing is worked on or the time is over; returns how many jobs still are."""
    until = time.monotonic() + seconds
    told = -1
    while True:
        left = sum(still_running(place, kind) for place in places)
        if left != told:
            tell(left)
            told = left
        if left == 0 or time.monotonic() >= until:
            return left
        time.sleep(_POLL_SECONDS)
