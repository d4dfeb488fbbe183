"""Assets: results that were kept under a name, and all of a project's as one zip."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse
from sqlmodel import select
from starlette.background import BackgroundTask

from services.common.artifacts import delete_prefix
from services.common.errors import InvalidInput, NotFound
from services.gateway.assets_view import AssetFilter, AssetOrder, asset_answers, folders, live_assets, project_files
from services.gateway.files import asset_prefix
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.limits import refuse_full_storage
from services.gateway.once import IdempotencyKey, claim, made_already, once
from services.gateway.queries import Cursor, Limit, owned, owned_in_project
from services.gateway.schemas import AssetAnswer, AssetBody, AssetChange, Folder, FolderAnswer, Page
from services.gateway.tables import Asset, AssetFile, Project, Result, new_id, utc_now
from services.gateway.zips import ZipEntry, attachment, plain_name, write_zip

router = APIRouter(tags=["assets"])

_KINDS = {"background": "background", "pose_transfer": "character"}


def asset_filter(
    search: Annotated[
        str | None,
        Query(
            max_length=100, description="Part of the name, of a tag, or of how the description or the prompt begins."
        ),
    ] = None,
    kind: Literal["background", "character"] | None = None,
    starred: Annotated[bool | None, Query()] = None,
    folder: Annotated[Folder | None, Query(description="What is in it or below it; empty for what is in none.")] = None,
) -> AssetFilter:
    return AssetFilter(text=search, kind=kind, starred=starred, folder=folder)


Wanted = Annotated[AssetFilter, Depends(asset_filter)]
Chosen = Annotated[list[str] | None, Query(max_length=500, description="Ids; repeat it for each. Absent: all.")]


@router.post("/projects/{project_id}/assets", status_code=201)
def create_asset(
    project_id: str, body: AssetBody, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None
) -> AssetAnswer:
    """Keep results under a name. Their pictures are copied, so the asset does not need the job any more."""
    request = once(caller.id, "assets", idempotency_key, project_id, body)
    with gateway.db() as db:
        owned(db, Project, project_id, caller.id)
        if (made := made_already(db, request)) is not None:
            return asset_answers(db, [owned(db, Asset, made, caller.id)], gateway.links)[0]
        results = owned_in_project(db, Result, body.result_ids, project_id, caller.id)
        more_bytes = sum(result.size_bytes for result in results)
        refuse_full_storage(db, gateway.allowance, caller.id, more_bytes)
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
        folder=body.folder,
        tags=body.tags,
    )
    asset.describe_anew(results[0].settings.get("prompt"))
    try:
        kept = [_copy(gateway, asset, result, index) for index, result in enumerate(results)]
        with gateway.db() as db:
            owned(db, Project, project_id, caller.id)
            first = claim(db, request, asset.id)
            if first == asset.id:
                db.add_all([asset, *kept])
                db.commit()
                return asset_answers(db, [asset], gateway.links)[0]
    except BaseException:
        delete_prefix(gateway.store, asset_prefix(caller.id, asset.id))
        raise
    delete_prefix(gateway.store, asset_prefix(caller.id, asset.id))  # the same post got in before
    return get_asset(first, caller, gateway)


@router.get("/projects/{project_id}/assets")
def list_assets(
    project_id: str,
    caller: SignedIn,
    gateway: Parts,
    wanted: Wanted,
    order: AssetOrder = "newest",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AssetAnswer]:
    """A project's assets but for those in the trash, the newest first unless asked otherwise."""
    with gateway.db() as db:
        owned(db, Project, project_id, caller.id)
        rows, more = live_assets(db, project_id, wanted, order=order, cursor=cursor, limit=limit)
        return Page(items=asset_answers(db, rows, gateway.links), next_cursor=more)


@router.get("/projects/{project_id}/folders")
def list_folders(project_id: str, caller: SignedIn, gateway: Parts) -> list[FolderAnswer]:
    """The folders of a project's assets, in their order. A folder is there as long as something is in it."""
    with gateway.db() as db:
        owned(db, Project, project_id, caller.id)
        return folders(db, project_id)


@router.get(
    "/projects/{project_id}/assets.zip",
    response_class=FileResponse,
    responses={200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
)
def download_assets(project_id: str, caller: SignedIn, gateway: Parts, asset: Chosen = None) -> FileResponse:
    """All pictures of a project's assets, or of those chosen, named <project>_<folder>_<asset>_<nn>.png."""
    with gateway.db() as db:
        project = owned(db, Project, project_id, caller.id)
        found = project_files(db, project_id, None if asset is None else set(asset))
    if not found:
        raise NotFound("there are no such assets in this project", reason="NO_ASSET")
    entries = [
        ZipEntry(folder=kept.folder, asset_name=kept.name, key=file.key, media_type=file.media_type)
        for kept, file in found
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
    """One asset, in the trash or not."""
    with gateway.db() as db:
        return asset_answers(db, [owned(db, Asset, asset_id, caller.id)], gateway.links)[0]


@router.patch("/assets/{asset_id}")
def change_asset(asset_id: str, body: AssetChange, caller: SignedIn, gateway: Parts) -> AssetAnswer:
    """Rename, describe, star or unstar, move to a folder, tag."""
    with gateway.db() as db:
        row = owned(db, Asset, asset_id, caller.id)
        for name, value in body.model_dump(exclude_none=True).items():
            setattr(row, name, value)
        first = db.exec(select(AssetFile).where(AssetFile.asset_id == row.id, AssetFile.index == 0)).first()
        row.describe_anew(first.settings.get("prompt") if first else "")
        db.add(row)
        db.commit()
        return asset_answers(db, [row], gateway.links)[0]


@router.delete("/assets/{asset_id}", status_code=204)
def delete_asset(asset_id: str, caller: SignedIn, gateway: Parts) -> None:
    """Move an asset to the trash, where it stays for 30 days."""
    with gateway.db() as db:
        row = owned(db, Asset, asset_id, caller.id)
        row.deleted_at = row.deleted_at or utc_now()
        db.add(row)
        db.commit()


@router.post("/assets/{asset_id}/restore")
def restore_asset(asset_id: str, caller: SignedIn, gateway: Parts) -> AssetAnswer:
    """Take an asset out of the trash."""
    with gateway.db() as db:
        row = owned(db, Asset, asset_id, caller.id)
        row.deleted_at = None
        db.add(row)
        db.commit()
        return asset_answers(db, [row], gateway.links)[0]


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
