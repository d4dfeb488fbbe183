"""Drawings as they came: every result of a project's jobs, kept under a name or not."""

from fastapi import APIRouter

from services.gateway.gateway import Parts, SignedIn
from services.gateway.present import drawing_answer
from services.gateway.queries import Cursor, Limit, of_project, owned, page
from services.gateway.schemas import DrawingAnswer, Page
from services.gateway.tables import Project, Result

router = APIRouter(tags=["results"])


@router.get("/projects/{project_id}/results")
def list_results(
    project_id: str, caller: SignedIn, gateway: Parts, cursor: Cursor = None, limit: Limit = 50
) -> Page[DrawingAnswer]:
    """Every drawing of a project, the newest first."""
    with gateway.db() as db:
        owned(db, Project, project_id, caller.id)
        rows, more = page(db, Result, of_project(Result, project_id), cursor=cursor, limit=limit)
    return Page(items=[drawing_answer(row, gateway.links) for row in rows], next_cursor=more)


@router.delete("/results/{result_id}", status_code=204)
def delete_result(result_id: str, caller: SignedIn, gateway: Parts) -> None:
    """Delete one drawing; assets that it was kept in have their own copy."""
    with gateway.db() as db:
        row = owned(db, Result, result_id, caller.id)
        db.delete(row)
        db.commit()
    gateway.store.delete(row.key)
