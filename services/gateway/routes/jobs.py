"""Jobs: what is being made, live events, cancel and retry."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from services.common.errors import NotReady
from services.gateway.errors import ANSWERS_OF_STREAMS
from services.gateway.events import job_events
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.jobs_view import list_jobs as jobs_of
from services.gateway.jobs_view import read_job
from services.gateway.once import IdempotencyKey
from services.gateway.queries import Cursor, Limit, owned
from services.gateway.schemas import JobAnswer, JobState, Page
from services.gateway.sessions import Caller
from services.gateway.submissions import BODIES, submit
from services.gateway.tables import Project

router = APIRouter(tags=["jobs"])


def create_job(
    gateway: Gateway, caller: Caller, project_id: str, kind: str, body: BaseModel, key: str | None
) -> JobAnswer:
    """Record a job in a project of the caller; used by the routes of every kind of job."""
    with gateway.db() as db:
        project = owned(db, Project, project_id, caller.id)
        job_id = submit(db, gateway, project, kind, body, key)
        db.commit()
        return read_job(db, job_id, caller.id, gateway.links)[1]


@router.get("/jobs")
def list_jobs(
    caller: SignedIn,
    gateway: Parts,
    project_id: str | None = None,
    state: JobState | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[JobAnswer]:
    with gateway.db() as db:
        found, more = jobs_of(
            db, caller.id, gateway.links, project_id=project_id, state=state, cursor=cursor, limit=limit
        )
    return Page(items=found, next_cursor=more)


def the_job(job_id: str, caller: SignedIn, gateway: Parts) -> JobAnswer:
    with gateway.db() as db:
        return read_job(db, job_id, caller.id, gateway.links)[1]


OwnJob = Annotated[JobAnswer, Depends(the_job)]


@router.get("/jobs/{job_id}")
def get_job(job: OwnJob) -> JobAnswer:
    return job


@router.post("/jobs/{job_id}/cancel", status_code=202)
def cancel_job(job: OwnJob, caller: SignedIn, gateway: Parts) -> JobAnswer:
    """Ask a job to stop: a waiting one ends now, a running one within a step. An ended one stays as it is."""
    gateway.queue.request_cancel(job.id)
    return the_job(job.id, caller, gateway)


@router.post("/jobs/{job_id}/retry", status_code=202)
def retry_job(job: OwnJob, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None) -> JobAnswer:
    """Post the same request again, as a new job."""
    if job.state not in ("failed", "cancelled"):
        raise NotReady(
            f"the job is {job.state}: only failed or cancelled ones can be retried", reason="NOT_ENDED_BADLY"
        )
    body = BODIES[job.kind].model_validate(job.request)
    return create_job(gateway, caller, job.project_id, job.kind, body, idempotency_key)


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse, responses=ANSWERS_OF_STREAMS)
async def watch_job(
    job: OwnJob, caller: SignedIn, gateway: Parts, last_event_id: Annotated[str | None, Header()] = None
) -> AsyncIterator[ServerSentEvent]:
    """The job as `event: job`, now and at every change, until it has ended; resumes by Last-Event-ID."""
    seen = int(last_event_id) if last_event_id is not None and last_event_id.isdecimal() else None
    async for event in job_events(gateway, job.id, caller.id, seen_revision=seen):
        yield event
