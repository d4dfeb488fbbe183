"""Jobs as clients see them: the queue's row, what was posted, and what came of it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.common.errors import NotFound
from services.gateway.links import Links
from services.gateway.present import checkpoint_answers, result_answer
from services.gateway.queries import cursor_at, is_id, read_cursor
from services.gateway.schemas import JobAnswer, JobState
from services.gateway.tables import JobRequest, Result, jobs

_others = jobs.alias("others")
_position = (
    sa.select(sa.func.count())
    .where(
        _others.c.state == "queued",
        _others.c.kind == jobs.c.kind,
        sa.or_(
            _others.c.priority < jobs.c.priority,
            sa.and_(_others.c.priority == jobs.c.priority, _others.c.created_at < jobs.c.created_at),
        ),
    )
    .correlate(jobs)
    .scalar_subquery()
)


def read_job(db: Session, job_id: str, account_id: str, links: Links) -> tuple[int, JobAnswer]:
    """The job's revision, and the job; NotFound for another account's."""
    asked = db.get(JobRequest, job_id) if is_id(job_id) else None
    if asked is None or asked.account_id != account_id:
        raise NotFound("there is no such job", reason="NO_JOB")
    position = sa.case((jobs.c.state == "queued", _position), else_=None).label("position")
    row = db.connection().execute(sa.select(jobs, position).where(jobs.c.id == job_id)).one()
    return row.revision, _answers(db, [asked], [row], {job_id: row.position}, links)[0]


def list_jobs(
    db: Session,
    account_id: str,
    links: Links,
    *,
    project_id: str | None,
    state: JobState | None,
    cursor: str | None,
    limit: int,
) -> tuple[list[JobAnswer], str | None]:
    query = select(JobRequest).join(jobs, jobs.c.id == JobRequest.id).where(JobRequest.account_id == account_id)
    if project_id is not None:
        query = query.where(JobRequest.project_id == (project_id if is_id(project_id) else ""))
    if state is not None:
        query = query.where(jobs.c.state == state)
    if cursor is not None:
        query = query.where(sa.tuple_(col(JobRequest.created_at), col(JobRequest.id)) < read_cursor(cursor))
    newest = (col(JobRequest.created_at).desc(), col(JobRequest.id).desc())
    found = list(db.exec(query.order_by(*newest).limit(limit + 1)))
    more = cursor_at(found[limit - 1].created_at, found[limit - 1].id) if len(found) > limit else None
    found = found[:limit]
    ids = [asked.id for asked in found]
    rows = db.connection().execute(sa.select(jobs).where(jobs.c.id.in_(ids))).all()
    positions = _positions(db, [row for row in rows if row.state == "queued"])
    return _answers(db, found, rows, positions, links), more


def _positions(db: Session, queued: Sequence[sa.Row[Any]]) -> dict[str, int]:
    """How many of its kind are before each: one pass over the queue, however many are asked for."""
    if not queued:
        return {}
    order = (jobs.c.priority, jobs.c.created_at)
    place = sa.func.row_number().over(partition_by=jobs.c.kind, order_by=order) - 1
    kinds = {row.kind for row in queued}
    waiting = (jobs.c.state == "queued", jobs.c.kind.in_(kinds))
    places = sa.select(jobs.c.id, place.label("place")).where(*waiting).subquery()
    wanted = sa.select(places.c.id, places.c.place).where(places.c.id.in_([row.id for row in queued]))
    return {row.id: row.place for row in db.connection().execute(wanted)}


def _answers(
    db: Session,
    asked: list[JobRequest],
    rows: Sequence[sa.Row[Any]],
    positions: Mapping[str, int | None],
    links: Links,
) -> list[JobAnswer]:
    by_id = {row.id: row for row in rows}
    results: dict[str, list[Result]] = {job_id: [] for job_id in by_id}
    query = select(Result).where(col(Result.job_id).in_(by_id)).order_by(col(Result.index))
    for result in db.exec(query):
        results[result.job_id].append(result)
    return [
        _answer(one, by_id[one.id], positions.get(one.id), results[one.id], links) for one in asked if one.id in by_id
    ]


def _answer(
    asked: JobRequest, row: sa.Row[Any], position: int | None, results: list[Result], links: Links
) -> JobAnswer:
    progress = row.progress
    running = row.state == "running"
    preview = progress.get("preview") if running else None
    return JobAnswer.model_validate(
        {
            "id": asked.id,
            "project_id": asked.project_id,
            "kind": asked.kind,
            "state": row.state,
            "cancel_requested": row.cancel_requested,
            "queue_position": progress.get("queue_position") if running else position,
            "steps_done": progress.get("steps_done", 0),
            "steps_total": progress.get("steps_total", 0),
            "seconds_left": progress.get("seconds_left") if running else None,
            "stage": progress.get("stage") if running else None,
            "preview_url": links.url(preview["key"], preview["media_type"]) if preview else None,
            "losses": progress.get("losses", []),
            "findings": progress.get("findings", []),
            "checkpoint_samples": checkpoint_answers(progress.get("checkpoint_samples", []) if running else [], links),
            "error": row.error,
            "request": asked.request,
            "results": [result_answer(result, links) for result in results],
            "style_id": (row.result or {}).get("style_id"),
            "created_at": _time(row.created_at),
            "started_at": _time(row.started_at),
            "ended_at": _time(row.ended_at),
        }
    )


def _time(seconds: float | None) -> dt.datetime | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)
