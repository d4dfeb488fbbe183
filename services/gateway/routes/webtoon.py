"""Pictures as webtoon platforms take them."""

import io
import zipfile
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator
from sqlmodel import col, select

from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.queries import owned
from services.gateway.tables import Asset, AssetFile, Result
from services.gateway.webtoon import webtoon_slices
from services.gateway.zips import attachment, plain_name

router = APIRouter(tags=["webtoon"])

PNG, ZIP = "image/png", "application/zip"


def _whole(text: object) -> object:
    """A number of the address, which comes as text; anything else is left to be refused."""
    return int(text) if isinstance(text, str) and text.isdecimal() else text


Whole = BeforeValidator(_whole)  # pydantic compares a literal before it converts
Width = Annotated[
    Literal[690, 720, 800, 940], Whole, Query(description="What the platform shows; pixels are this times `scale`.")
]
Scale = Annotated[Literal[1, 2, 3], Whole, Query(description="Pixels of the file for each pixel shown.")]
SliceHeight = Annotated[
    int | None,
    Query(ge=200, le=20000, description="No slice is higher than this many shown pixels; absent does not slice."),
]
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (PNG, ZIP)}},
}


@router.get("/results/{result_id}/webtoon", response_class=Response, responses=_FILES)
def download_result(
    result_id: str,
    caller: SignedIn,
    gateway: Parts,
    width: Width,
    scale: Scale = 1,
    slice_height: SliceHeight = None,
) -> Response:
    """A drawing in a platform's width: a PNG, or a zip of PNGs when it comes in slices."""
    with gateway.db() as db:
        row = owned(db, Result, result_id, caller.id)
    name = str(row.settings.get("prompt") or row.kind)[:40]
    return _download(gateway, name, [row], width * scale, slice_height and slice_height * scale)


@router.get("/assets/{asset_id}/webtoon", response_class=Response, responses=_FILES)
def download_asset(
    asset_id: str,
    caller: SignedIn,
    gateway: Parts,
    width: Width,
    scale: Scale = 1,
    slice_height: SliceHeight = None,
) -> Response:
    """An asset's pictures in a platform's width: a PNG, or a zip of PNGs when there is more than one."""
    with gateway.db() as db:
        asset = owned(db, Asset, asset_id, caller.id)
        files = db.exec(select(AssetFile).where(AssetFile.asset_id == asset.id).order_by(col(AssetFile.index))).all()
    return _download(gateway, asset.name, files, width * scale, slice_height and slice_height * scale)


def _download(
    gateway: Gateway, name: str, rows: Sequence[Result | AssetFile], width: int, slice_height: int | None
) -> Response:
    slices: list[bytes] = []
    for row in rows:
        with gateway.decoding.take():  # a tall picture takes some hundred megabytes
            slices += webtoon_slices(gateway.store.get(row.key), width=width, slice_height=slice_height)
    stem = f"{plain_name(name)}_{width}"
    if len(slices) == 1:
        return Response(slices[0], media_type=PNG, headers=attachment(f"{stem}.png"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for number, content in enumerate(slices, start=1):
            archive.writestr(zipfile.ZipInfo(f"{stem}_{number:02d}.png"), content)
    return Response(packed.getvalue(), media_type=ZIP, headers=attachment(f"{stem}.zip"))
