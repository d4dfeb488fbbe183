"""Learned styles, and the trainings that make them."""

import asyncio
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query
from sqlmodel import col, select

from services.gateway import convert
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.once import IdempotencyKey
from services.gateway.present import style_answer
from services.gateway.queries import Cursor, Limit, of_project, owned, page
from services.gateway.routes.jobs import create_job
from services.gateway.schemas import FindingAnswer, JobAnswer, Page
from services.gateway.style_schemas import CheckAnswer, CheckBody, StyleAnswer, StyleChange, TrainingBody
from services.gateway.submissions import pages
from services.gateway.tables import Project, Style, StyleUpload

router = APIRouter(tags=["styles"])


@router.post("/projects/{project_id}/trainings", status_code=202)
def create_training(
    project_id: str, body: TrainingBody, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None
) -> JobAnswer:
    """Learn a style from 1 to 30 pictures; the style is there when the job has succeeded."""
    return create_job(gateway, caller, project_id, "training", body, idempotency_key)


@router.post("/projects/{project_id}/trainings/check")
async def check_training(project_id: str, body: CheckBody, caller: SignedIn, gateway: Parts) -> CheckAnswer:
    """Look at the pictures of a training before it is begun; nothing is recorded."""
    refs = await asyncio.to_thread(_pages, gateway, project_id, body, caller.id)
    seen = await gateway.peers.check_training(convert.check_request(caller.id, refs, body))
    found = [FindingAnswer.model_validate(one) for one in convert.findings(seen, body.picture_ids)]
    can_begin = not any(one.is_error for one in found)
    return CheckAnswer(findings=found, can_begin=can_begin, steps_total=seen.steps_total)


@router.get("/projects/{project_id}/styles")
def list_styles(
    project_id: str,
    caller: SignedIn,
    gateway: Parts,
    in_use: Annotated[bool | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[StyleAnswer]:
    """Every version of every style, the newest first; or only those in use."""
    wanted = [of_project(Style, project_id)]
    if in_use is not None:
        wanted.append(col(Style.in_use).is_(in_use))
    with gateway.db() as db:
        owned(db, Project, project_id, caller.id)
        rows, more = page(db, Style, *wanted, cursor=cursor, limit=limit)
    return Page(items=[style_answer(row, gateway.links) for row in rows], next_cursor=more)


@router.get("/styles/{style_id}")
def get_style(style_id: str, caller: SignedIn, gateway: Parts) -> StyleAnswer:
    with gateway.db() as db:
        return style_answer(owned(db, Style, style_id, caller.id), gateway.links)


@router.patch("/styles/{style_id}")
def change_style(style_id: str, body: StyleChange, caller: SignedIn, gateway: Parts) -> StyleAnswer:
    """Rename a style, in all its versions, or write a note to this one."""
    with gateway.db() as db:
        row = owned(db, Style, style_id, caller.id)
        if body.note is not None:
            row.note = body.note
        if body.name is not None:
            row.name = body.name
            db.connection().execute(_versions_of(row).values(name=body.name))
        db.add(row)
        db.commit()
    return style_answer(row, gateway.links)


@router.get("/styles/{style_id}/versions")
def list_versions(
    style_id: str, caller: SignedIn, gateway: Parts, cursor: Cursor = None, limit: Limit = 50
) -> Page[StyleAnswer]:
    """Every version of this style, the newest first."""
    with gateway.db() as db:
        same = col(Style.lineage_id) == owned(db, Style, style_id, caller.id).lineage_id
        rows, more = page(db, Style, col(Style.account_id) == caller.id, same, cursor=cursor, limit=limit)
    return Page(items=[style_answer(row, gateway.links) for row in rows], next_cursor=more)


@router.post("/styles/{style_id}/use")
def use_version(style_id: str, caller: SignedIn, gateway: Parts) -> StyleAnswer:
    """Make this the version in use, in place of the one before."""
    with gateway.db() as db:
        row = owned(db, Style, style_id, caller.id)
        db.connection().execute(_versions_of(row).values(in_use=False))
        row.in_use = True
        db.connection().execute(sa.update(Style).where(col(Style.id) == row.id).values(in_use=True))
        db.commit()
    return style_answer(row, gateway.links)


@router.delete("/styles/{style_id}", status_code=204)
async def delete_style(style_id: str, caller: SignedIn, gateway: Parts) -> None:
    """Delete this version with its files and samples; pictures drawn in it stay."""
    row = await asyncio.to_thread(_own_style, gateway, style_id, caller.id)
    if row.training_id:
        await gateway.peers.delete_training(caller.id, row.training_id)
    uploaded = await asyncio.to_thread(_delete_row, gateway, style_id)
    if uploaded is not None:
        await asyncio.to_thread(gateway.store.delete, uploaded)


def _pages(gateway: Gateway, project_id: str, body: CheckBody, account_id: str) -> list[dict[str, Any]]:
    with gateway.db() as db:
        project = owned(db, Project, project_id, account_id)
        return [convert.to_ref(row) for row in pages(db, project, body)]


def _own_style(gateway: Gateway, style_id: str, account_id: str) -> Style:
    with gateway.db() as db:
        return owned(db, Style, style_id, account_id)


def _delete_row(gateway: Gateway, style_id: str) -> str | None:
    """The key of the file that goes with the row, where it was not learned here."""
    with gateway.db() as db:
        row, upload = db.get(Style, style_id), db.get(StyleUpload, style_id)
        if row is None:
            return None
        if upload is not None:
            db.delete(upload)
        db.delete(row)
        db.flush()
        if row.in_use:  # the newest that is left takes its place
            same = select(Style).where(Style.lineage_id == row.lineage_id, Style.account_id == row.account_id)
            if (heir := db.exec(same.order_by(col(Style.version).desc())).first()) is not None:
                heir.in_use = True
                db.add(heir)
        db.commit()
        return upload.key if upload is not None else None


def _versions_of(style: Style) -> sa.Update:
    same = (col(Style.lineage_id) == style.lineage_id, col(Style.account_id) == style.account_id)
    return sa.update(Style).where(*same)
