"""Projects: one for each webtoon. Deleting one deletes everything in it."""

import asyncio

import sqlalchemy as sa
from fastapi import APIRouter
from sqlmodel import col, select

from services.common.artifacts import delete_prefix
from services.common.errors import NotReady
from services.gateway import files
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.once import IdempotencyKey, claim, once
from services.gateway.present import project_answer
from services.gateway.queries import Cursor, Limit, owned, page
from services.gateway.schemas import Page, ProjectAnswer, ProjectBody
from services.gateway.tables import (
    Asset,
    AssetFile,
    InProject,
    JobRequest,
    Picture,
    Pose,
    Project,
    Result,
    Style,
    StyleUpload,
    jobs,
)

router = APIRouter(tags=["projects"])

STOPPING_SECONDS = 10.0
_CONTENT: tuple[type[InProject], ...] = (AssetFile, Asset, Result, Pose, StyleUpload, Style, Picture, JobRequest)


@router.post("/projects", status_code=201)
def create_project(
    body: ProjectBody, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None
) -> ProjectAnswer:
    row = Project(account_id=caller.id, name=body.name)
    with gateway.db() as db:
        first = claim(db, once(caller.id, "projects", idempotency_key, body), row.id)
        if first != row.id:
            return project_answer(owned(db, Project, first, caller.id))
        db.add(row)
        db.commit()
    return project_answer(row)


@router.get("/projects")
def list_projects(caller: SignedIn, gateway: Parts, cursor: Cursor = None, limit: Limit = 50) -> Page[ProjectAnswer]:
    with gateway.db() as db:
        rows, more = page(db, Project, col(Project.account_id) == caller.id, cursor=cursor, limit=limit)
    return Page(items=[project_answer(row) for row in rows], next_cursor=more)


@router.get("/projects/{project_id}")
def get_project(project_id: str, caller: SignedIn, gateway: Parts) -> ProjectAnswer:
    with gateway.db() as db:
        return project_answer(owned(db, Project, project_id, caller.id))


@router.patch("/projects/{project_id}")
def rename_project(project_id: str, body: ProjectBody, caller: SignedIn, gateway: Parts) -> ProjectAnswer:
    with gateway.db() as db:
        row = owned(db, Project, project_id, caller.id)
        row.name = body.name
        db.add(row)
        db.commit()
    return project_answer(row)


@router.delete("/projects/{project_id}", status_code=204)
async def delete_project(project_id: str, caller: SignedIn, gateway: Parts) -> None:
    """Delete the project with its pictures, styles, poses, jobs and assets; unfinished jobs are stopped first."""
    await asyncio.to_thread(_check_owned, gateway, project_id, caller.id)
    await _stop_jobs(gateway, project_id)
    for training_id in await asyncio.to_thread(_trainings_of, gateway, project_id):
        await gateway.peers.delete_training(caller.id, training_id)
    await asyncio.to_thread(_delete_rows_then_files, gateway, project_id, caller.id)


def _check_owned(gateway: Gateway, project_id: str, account_id: str) -> None:
    with gateway.db() as db:
        owned(db, Project, project_id, account_id)


def _trainings_of(gateway: Gateway, project_id: str) -> set[str]:
    """Trainings at the service, those that failed or were cancelled included: they may have left files."""
    begun = (
        sa.select(jobs.c.checkpoint)
        .join(JobRequest, col(JobRequest.id) == jobs.c.id)
        .where(col(JobRequest.project_id) == project_id, jobs.c.kind == "training")
    )
    with gateway.db() as db:
        checkpoints = db.connection().execute(begun).scalars().all()
    return {checkpoint["training_id"] for checkpoint in checkpoints if "training_id" in checkpoint}


async def _stop_jobs(gateway: Gateway, project_id: str) -> None:
    until = asyncio.get_running_loop().time() + STOPPING_SECONDS
    while unfinished := await asyncio.to_thread(_cancel_unfinished, gateway, project_id):
        if asyncio.get_running_loop().time() > until:
            raise NotReady(f"{unfinished} jobs are still stopping: try again in a moment", reason="JOBS_STOPPING")
        await asyncio.sleep(0.2)


def _cancel_unfinished(gateway: Gateway, project_id: str) -> int:
    query = (
        sa.select(jobs.c.id, jobs.c.cancel_requested)
        .join(JobRequest, col(JobRequest.id) == jobs.c.id)
        .where(col(JobRequest.project_id) == project_id, jobs.c.state.in_(("queued", "running")))
    )
    with gateway.db() as db:
        unfinished = db.connection().execute(query).all()
    for job in unfinished:
        if not job.cancel_requested:
            gateway.queue.request_cancel(job.id)
    return len(unfinished)


def _delete_rows_then_files(gateway: Gateway, project_id: str, account_id: str) -> None:
    with gateway.db() as db:
        project = owned(db, Project, project_id, account_id)
        keys = list(db.exec(select(Picture.key).where(Picture.project_id == project_id)))
        keys += list(db.exec(select(StyleUpload.key).where(StyleUpload.project_id == project_id)))
        keys += [key for key in db.exec(select(Pose.skeleton_key).where(Pose.project_id == project_id)) if key]
        assets = list(db.exec(select(Asset.id).where(Asset.project_id == project_id)))
        asked = list(db.exec(select(JobRequest.id).where(JobRequest.project_id == project_id)))
        for job_id in asked:
            gateway.queue.delete(job_id, connection=db.connection())
        for table in _CONTENT:
            db.connection().execute(sa.delete(table).where(col(table.project_id) == project_id))
        db.delete(project)
        db.commit()
    files.delete_keys(gateway.store, keys)
    for asset_id in assets:
        delete_prefix(gateway.store, files.asset_prefix(account_id, asset_id))
    for job_id in asked:
        delete_prefix(gateway.store, files.results_prefix(account_id, job_id))
        delete_prefix(gateway.store, files.previews_prefix(account_id, job_id))
        delete_prefix(gateway.store, files.out_prefix(account_id, job_id))
