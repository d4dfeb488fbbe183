"""The trash: assets that were thrown away, for 30 days."""

from fastapi import APIRouter

from services.common.errors import NotFound
from services.gateway.assets_view import asset_answers, trashed_assets
from services.gateway.gateway import Parts, SignedIn
from services.gateway.queries import Cursor, Limit, owned
from services.gateway.schemas import AssetAnswer, Page
from services.gateway.tables import Asset
from services.gateway.trash import delete_assets

router = APIRouter(tags=["trash"])

AT_ONCE = 100


@router.get("/trash")
def list_trash(
    caller: SignedIn, gateway: Parts, project_id: str | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[AssetAnswer]:
    """What was thrown away, the latest first."""
    with gateway.db() as db:
        rows, more = trashed_assets(db, caller.id, project_id, cursor=cursor, limit=limit)
        return Page(items=asset_answers(db, rows, gateway.links), next_cursor=more)


@router.delete("/trash", status_code=204)
def empty_trash(caller: SignedIn, gateway: Parts, project_id: str | None = None) -> None:
    """Delete everything in the trash, of one project or of all; this cannot be undone."""
    while True:
        with gateway.db() as db:
            rows, _ = trashed_assets(db, caller.id, project_id, cursor=None, limit=AT_ONCE)
            if not rows:
                return
            delete_assets(db, gateway.store, rows)


@router.delete("/trash/{asset_id}", status_code=204)
def delete_from_trash(asset_id: str, caller: SignedIn, gateway: Parts) -> None:
    """Delete one asset that is in the trash; this cannot be undone."""
    with gateway.db() as db:
        row = owned(db, Asset, asset_id, caller.id)
        if row.deleted_at is None:
            raise NotFound("there is no such asset in the trash", reason="NOT_IN_TRASH")
        delete_assets(db, gateway.store, [row])
