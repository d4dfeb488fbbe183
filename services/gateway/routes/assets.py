"""Assets: results that were kept under a name, and all of a project's as one zip."""

import tempfile
from pathlib import Path

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import FileResponse
from sqlmodel import Session, col, select
from starlette.background import BackgroundTask

from services.common.artifacts import delete_prefix
from services.common.errors import InvalidInput, NotFound
from services.gateway.files import asset_prefix
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.present import asset_answer
from services.gateway.queries import Cursor, Limit, of_project, owned, owned_in_project, page
from services.gateway.schemas import AssetAnswer, AssetBody, Page
from services.gateway.tables import Asset, AssetFile, Project, Result, new_id
from services.gateway.zips import ZipEntry, attachment, plain_name, write_zip

router = APIRouter(tags=["assets"])

_KINDS = {"background": "background", "pose_transfer": "character"}


@router.post("/projects/{project_id}/assets", status_code=201)
def create_asset(project_id: str, body: AssetBody, caller: SignedIn, gateway: Parts) -> AssetAnswer:
    """Keep results under a name. Their pictures are copied, so the asset does not need the job any more."""
    with gateway.db() as db:
        owned(db, Project, project_id, caller.id)
        results = owned_in_project(db, Result, body.result_ids, project_id, caller.id)
    kinds = {_KINDS[result.kind] for result in results}
    if len(kinds) > 1 or len(set(body.result_ids)) != len(body.result_ids):
        raise InvalidInput("keep backgrounds and characters apart, and each result once", reason="MIXED_RESULTS")
    asset = Asset(
        id=new_id(),
        account_id=caller.id,
        project_id=project_id,
        name=body.name,
        description=body.description,
        kind=kinds.pop(),
    )
    kept = [_copy(gateway, asset, result, index) for index, result in enumerate(results)]
    with gateway.db() as db:
        owned(db, Project, project_id, caller.id)
        db.add_all([asset, *kept])
        db.commit()
    return asset_answer(asset, kept, gateway.links)


@router.get("/projects/{project_id}/assets")
def list_assets(
    project_id: str, caller: SignedIn, gateway: Parts, cursor: Cursor = None, limit: Limit = 50
) -> Page[AssetAnswer]:
    with gateway.db() as db:
        owned(db, Project, project_id, caller.id)
        rows, more = page(db, Asset, of_project(Asset, project_id), cursor=cursor, limit=limit)
        files = _files_of(db, rows)
    answers = [asset_answer(row, [file for file in files if file.asset_id == row.id], gateway.links) for row in rows]
    return Page(items=answers, next_cursor=more)


@router.get(
    "/projects/{project_id}/assets.zip",
    response_class=FileResponse,
    responses={200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
)
def download_assets(project_id: str, caller: SignedIn, gateway: Parts) -> FileResponse:
    """All pictures of a project's assets, named <project>_<asset>_<nn>.png."""
    with gateway.db() as db:
        project = owned(db, Project, project_id, caller.id)
        query = select(Asset).where(Asset.project_id == project_id).order_by(col(Asset.created_at), col(Asset.id))
        assets = list(db.exec(query))
        files = _files_of(db, assets)
    if not files:
        raise NotFound("there are no assets in this project yet", reason="NO_ASSET")
    entries = [
        ZipEntry(asset_name=asset.name, key=file.key, media_type=file.media_type)
        for asset in assets
        for file in files
        if file.asset_id == asset.id
    ]
    with tempfile.NamedTemporaryFile(prefix="oma-assets-", suffix=".zip", delete=False) as made:
        path = Path(made.name)
    try:
        write_zip(path, project.name, entries, gateway.store)
    except BaseException:
        path.unlink()
        raise
    return FileResponse(
        path,
        media_type="application/zip",
        headers=attachment(f"{plain_name(project.name)}.zip"),
        background=BackgroundTask(path.unlink),
    )


@router.get("/assets/{asset_id}")
def get_asset(asset_id: str, caller: SignedIn, gateway: Parts) -> AssetAnswer:
    with gateway.db() as db:
        row = owned(db, Asset, asset_id, caller.id)
        files = _files_of(db, [row])
    return asset_answer(row, files, gateway.links)


@router.delete("/assets/{asset_id}", status_code=204)
def delete_asset(asset_id: str, caller: SignedIn, gateway: Parts) -> None:
    with gateway.db() as db:
        row = owned(db, Asset, asset_id, caller.id)
        db.connection().execute(sa.delete(AssetFile).where(col(AssetFile.asset_id) == asset_id))
        db.delete(row)
        db.commit()
    delete_prefix(gateway.store, asset_prefix(caller.id, asset_id))


def _copy(gateway: Gateway, asset: Asset, result: Result, index: int) -> AssetFile:
    key = f"{asset_prefix(asset.account_id, asset.id)}{index:02d}.png"
    ref = gateway.store.put(key, gateway.store.get(result.key), result.media_type)
    return AssetFile(
        account_id=asset.account_id,
        project_id=asset.project_id,
        asset_id=asset.id,
        index=index,
        key=ref.key,
        sha256=ref.sha256,
        size_bytes=ref.size_bytes,
        media_type=ref.media_type,
        width=result.width,
        height=result.height,
        settings=result.settings,
    )


def _files_of(db: Session, assets: list[Asset]) -> list[AssetFile]:
    ids = [asset.id for asset in assets]
    return list(db.exec(select(AssetFile).where(col(AssetFile.asset_id).in_(ids)).order_by(col(AssetFile.index))))
