"""Learned styles, and the trainings that make them."""

import asyncio

from fastapi import APIRouter, Response

from services.common.artifacts import get_checked
from services.common.errors import NotFound
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.present import style_answer
from services.gateway.queries import Cursor, Limit, of_project, owned, page
from services.gateway.routes.jobs import IdempotencyKey, create_job
from services.gateway.schemas import JobAnswer, Method, Page, StyleAnswer, TrainingBody
from services.gateway.tables import Project, Style
from services.gateway.zips import attachment

router = APIRouter(tags=["styles"])


@router.post("/projects/{project_id}/trainings", status_code=202)
def create_training(
    project_id: str, body: TrainingBody, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None
) -> JobAnswer:
    """Learn a style from 1 to 30 pictures; the style is there when the job has succeeded."""
    return create_job(gateway, caller, project_id, "training", body, idempotency_key)


@router.get("/projects/{project_id}/styles")
def list_styles(
    project_id: str, caller: SignedIn, gateway: Parts, cursor: Cursor = None, limit: Limit = 50
) -> Page[StyleAnswer]:
    with gateway.db() as db:
        owned(db, Project, project_id, caller.id)
        rows, more = page(db, Style, of_project(Style, project_id), cursor=cursor, limit=limit)
    return Page(items=[style_answer(row, gateway.links) for row in rows], next_cursor=more)


@router.get("/styles/{style_id}")
def get_style(style_id: str, caller: SignedIn, gateway: Parts) -> StyleAnswer:
    with gateway.db() as db:
        return style_answer(owned(db, Style, style_id, caller.id), gateway.links)


@router.delete("/styles/{style_id}", status_code=204)
async def delete_style(style_id: str, caller: SignedIn, gateway: Parts) -> None:
    """Delete the style with its files and samples; pictures drawn in it stay."""
    row = await asyncio.to_thread(_own_style, gateway, style_id, caller.id)
    await gateway.peers.delete_training(caller.id, row.training_id)
    await asyncio.to_thread(_delete_row, gateway, style_id)


@router.get(
    "/styles/{style_id}/export",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
def export_style(style_id: str, method: Method, caller: SignedIn, gateway: Parts) -> Response:
    """The learned file itself: safetensors, in kohya's dialect for LoRA."""
    row = _own_style(gateway, style_id, caller.id)
    for file in row.files:
        if file["method"] == method:
            content = get_checked(gateway.store, file["key"], file["sha256"], owner=caller.id)
            return Response(
                content, media_type=file["media_type"], headers=attachment(f"{row.name}_{method}.safetensors")
            )
    raise NotFound(f"this style was not learned by {method}", reason="NO_SUCH_METHOD")


def _own_style(gateway: Gateway, style_id: str, account_id: str) -> Style:
    with gateway.db() as db:
        return owned(db, Style, style_id, account_id)


def _delete_row(gateway: Gateway, style_id: str) -> None:
    with gateway.db() as db:
        if row := db.get(Style, style_id):
            db.delete(row)
            db.commit()
