"""Pictures: uploaded, cleaned, listed and deleted."""

import sqlalchemy as sa
from fastapi import APIRouter, UploadFile
from sqlmodel import col

from services.common.pictures import MAX_UPLOAD_BYTES
from services.gateway.errors import TooLarge
from services.gateway.files import store_picture
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.limits import refuse_full_storage, take
from services.gateway.once import IdempotencyKey, Once, claim, made_already, once
from services.gateway.present import picture_answer
from services.gateway.queries import Cursor, Limit, of_project, owned, page
from services.gateway.schemas import Page, PictureAnswer
from services.gateway.tables import Picture, Pose, Project, new_id

router = APIRouter(tags=["pictures"])

MAX_BODY_BYTES = MAX_UPLOAD_BYTES + 64 * 1024  # the file, and what multipart puts around it
_MAX_NAME = 200


@router.post("/projects/{project_id}/pictures", status_code=201, max_body_size=MAX_BODY_BYTES)
def create_picture(
    project_id: str, file: UploadFile, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None
) -> PictureAnswer:
    """Upload a PNG, JPEG or WebP of at most 32 MiB and 40 megapixels; it is turned upright and loses its metadata."""
    if (file.size or 0) > MAX_UPLOAD_BYTES:
        raise TooLarge("the file is larger than 32 MiB: save it smaller", reason="PICTURE_TOO_LARGE")
    content, label = file.file.read(), _label(file.filename)
    request = once(caller.id, "pictures", idempotency_key, project_id, label, content)
    with gateway.db() as db:
        owned(db, Project, project_id, caller.id)
        if (made := made_already(db, request)) is not None:
            return picture_answer(owned(db, Picture, made, caller.id), gateway.links)
        refuse_full_storage(db, gateway.allowance, caller.id, len(content))
    take(gateway.engine, gateway.rates.uploads, caller.id)
    picture_id = new_id()
    with gateway.decoding.take():
        stored = store_picture(gateway.store, caller.id, picture_id, content)
    row = Picture(
        id=picture_id,
        account_id=caller.id,
        project_id=project_id,
        filename=label,
        width=stored.width,
        height=stored.height,
        key=stored.ref.key,
        sha256=stored.ref.sha256,
        size_bytes=stored.ref.size_bytes,
        media_type=stored.ref.media_type,
    )
    try:
        kept = _write(gateway, row, request)
    except BaseException:
        gateway.store.delete(row.key)  # its project was deleted meanwhile
        raise
    if kept.id != row.id:
        gateway.store.delete(row.key)  # the same post got in before
    return picture_answer(kept, gateway.links)


def _write(gateway: Gateway, row: Picture, request: Once) -> Picture:
    with gateway.db() as db:
        owned(db, Project, row.project_id, row.account_id)
        first = claim(db, request, row.id)
        if first != row.id:
            return owned(db, Picture, first, row.account_id)
        refuse_full_storage(db, gateway.allowance, row.account_id, row.size_bytes)
        db.add(row)
        db.commit()
    return row


def _label(filename: str | None) -> str:
    """What the picture was called, to be shown; never a path."""
    plain = "".join(character for character in filename or "" if character.isprintable())
    return plain[-_MAX_NAME:] or "picture"


@router.get("/projects/{project_id}/pictures")
def list_pictures(
    project_id: str, caller: SignedIn, gateway: Parts, cursor: Cursor = None, limit: Limit = 50
) -> Page[PictureAnswer]:
    with gateway.db() as db:
        owned(db, Project, project_id, caller.id)
        rows, more = page(db, Picture, of_project(Picture, project_id), cursor=cursor, limit=limit)
    return Page(items=[picture_answer(row, gateway.links) for row in rows], next_cursor=more)


@router.get("/pictures/{picture_id}")
def get_picture(picture_id: str, caller: SignedIn, gateway: Parts) -> PictureAnswer:
    with gateway.db() as db:
        return picture_answer(owned(db, Picture, picture_id, caller.id), gateway.links)


@router.delete("/pictures/{picture_id}", status_code=204)
def delete_picture(picture_id: str, caller: SignedIn, gateway: Parts) -> None:
    with gateway.db() as db:
        row = owned(db, Picture, picture_id, caller.id)
        db.connection().execute(sa.update(Pose).where(col(Pose.picture_id) == row.id).values(picture_id=None))
        db.delete(row)
        db.commit()
    gateway.store.delete(row.key)
