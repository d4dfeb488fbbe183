"""Style files: in the dialects of other programs, and brought in from them."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Response, UploadFile

from services.common.artifacts import ArtifactRef, get_checked
from services.common.errors import NotFound
from services.common.wire import from_artifact
from services.gateway import convert
from services.gateway.errors import TooLarge
from services.gateway.files import style_key
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.limits import refuse_full_storage, take
from services.gateway.once import IdempotencyKey, Once, claim, made_already, once
from services.gateway.present import style_answer
from services.gateway.queries import owned
from services.gateway.schemas import Method, Name
from services.gateway.style_schemas import Dialect, Precision, StyleAnswer
from services.gateway.tables import Project, Style, StyleUpload, new_id
from services.gateway.zips import attachment

router = APIRouter(tags=["styles"])

MAX_STYLE_BYTES = 160 * 1024 * 1024  # a LoRA of every module at rank 128 in half precision
MAX_BODY_BYTES = MAX_STYLE_BYTES + 64 * 1024
SAFETENSORS_TYPE = "application/octet-stream"


@router.get(
    "/styles/{style_id}/export",
    response_class=Response,
    responses={200: {"content": {SAFETENSORS_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def export_style(
    style_id: str,
    method: Method,
    caller: SignedIn,
    gateway: Parts,
    dialect: Annotated[Dialect, Query(description="How a LoRA's tensors are named.")] = "kohya",
    precision: Annotated[Precision | None, Query(description="Of a LoRA's numbers; absent leaves them.")] = None,
) -> Response:
    """The learned file: safetensors; a LoRA as kohya's, A1111's and ComfyUI's, or as diffusers' or PEFT's."""
    row = await asyncio.to_thread(_own_style, gateway, style_id, caller.id)
    file = next((one for one in row.files if one["method"] == method), None)
    if file is None:
        raise NotFound(f"this style was not learned by {method}", reason="NO_SUCH_METHOD")
    name = f"{row.name}_{method}"
    if method == "dreamstyler" or (dialect == "kohya" and precision is None):  # as it lies there
        content = await asyncio.to_thread(get_checked, gateway.store, file["key"], file["sha256"], owner=caller.id)
    else:
        ref = {key: file[key] for key in ("key", "sha256", "size_bytes", "media_type")}
        answer = await gateway.peers.convert_style(convert.conversion(caller.id, ref, dialect, precision))
        content = await asyncio.to_thread(_take, gateway, from_artifact(answer.file), caller.id)
        name += f"_{dialect}" + (f"_{precision}" if precision else "")
    return Response(content, media_type=SAFETENSORS_TYPE, headers=attachment(f"{name}.safetensors"))


@router.post("/projects/{project_id}/styles/import", status_code=201, max_body_size=MAX_BODY_BYTES)
async def import_style(
    project_id: str,
    file: UploadFile,
    name: Annotated[Name, Form()],
    caller: SignedIn,
    gateway: Parts,
    idempotency_key: IdempotencyKey = None,
) -> StyleAnswer:
    """Keep a LoRA of any dialect, or a DreamStyler file of ours, as a style to draw in; it must fit the family."""
    if (file.size or 0) > MAX_STYLE_BYTES:
        raise TooLarge(
            "the file is larger than 160 MiB: save it with a smaller rank, or in fp16", reason="STYLE_TOO_LARGE"
        )
    content = await file.read()
    request = once(caller.id, "styles", idempotency_key, project_id, name, content)
    made = await asyncio.to_thread(_begin, gateway, request, project_id, len(content))
    if made is not None:
        return style_answer(made, gateway.links)
    style_id = new_id()
    key = style_key(caller.id, style_id, "as_given")
    given = await asyncio.to_thread(gateway.store.put, key, content, SAFETENSORS_TYPE)
    try:
        answer = await gateway.peers.convert_style(convert.conversion(caller.id, convert.to_ref(given)))
        read = await asyncio.to_thread(_take, gateway, from_artifact(answer.file), caller.id)
    finally:
        await asyncio.to_thread(gateway.store.delete, key)
    method = convert.METHOD_NAMES[answer.method]
    ref = await asyncio.to_thread(gateway.store.put, style_key(caller.id, style_id, method), read, SAFETENSORS_TYPE)
    row = Style(
        id=style_id,
        account_id=caller.id,
        project_id=project_id,
        name=name,
        job_id=style_id,  # of no job
        training_id="",
        files=[{"method": method, "trigger": answer.trigger, **convert.to_ref(ref)}],
        samples=[],
    )
    return style_answer(await asyncio.to_thread(_keep, gateway, row, ref, request), gateway.links)


def _own_style(gateway: Gateway, style_id: str, account_id: str) -> Style:
    with gateway.db() as db:
        return owned(db, Style, style_id, account_id)


def _begin(gateway: Gateway, request: Once, project_id: str, size_bytes: int) -> Style | None:
    """The style that the same post made before; else whether there may be one more."""
    with gateway.db() as db:
        owned(db, Project, project_id, request.account_id)
        if (made := made_already(db, request)) is not None:
            return owned(db, Style, made, request.account_id)
        refuse_full_storage(db, gateway.allowance, request.account_id, size_bytes)
    take(gateway.engine, gateway.rates.uploads, request.account_id)
    return None


def _keep(gateway: Gateway, row: Style, ref: ArtifactRef, request: Once) -> Style:
    try:
        kept = _write(gateway, row, ref, request)
    except BaseException:
        gateway.store.delete(ref.key)  # its project was deleted meanwhile
        raise
    if kept.id != row.id:
        gateway.store.delete(ref.key)  # the same post got in before
    return kept


def _write(gateway: Gateway, row: Style, ref: ArtifactRef, request: Once) -> Style:
    with gateway.db() as db:
        owned(db, Project, row.project_id, row.account_id)
        first = claim(db, request, row.id)
        if first != row.id:
            return owned(db, Style, first, row.account_id)
        file: dict[str, Any] = convert.to_ref(ref)
        db.add(row)
        db.add(StyleUpload(id=row.id, account_id=row.account_id, project_id=row.project_id, **file))
        db.commit()
    return row


def _take(gateway: Gateway, file: ArtifactRef, account_id: str) -> bytes:
    """What the service wrote for us, which nobody else needs."""
    content = get_checked(gateway.store, file.key, file.sha256, owner=account_id)
    gateway.store.delete(file.key)
    return content
