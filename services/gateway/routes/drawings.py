"""What can be asked of a drawing: its layers as a Photoshop file, and how near it is to the artist's own pages."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from oma.background.v1 import background_service_pb2 as background_pb
from oma.image.v1 import image_pb2
from sqlmodel import Session, col, select

from services.common.errors import NotReady
from services.gateway import convert
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.queries import owned
from services.gateway.reading_schemas import AspectAnswer, ReadingAnswer
from services.gateway.tables import JobRequest, Picture, Result, Style, new_id
from services.gateway.zips import attachment

router = APIRouter(tags=["results"])

PSD = "image/vnd.adobe.photoshop"
MAX_PAGES = 12  # as the service takes
LEFT_OUT = "X-Layers-Left-Out"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_HEADERS = {
    LEFT_OUT: {"description": "What could not be made well: line, sky; with commas.", "schema": {"type": "string"}}
}


@router.get(
    "/results/{result_id}/layers.psd",
    response_class=Response,
    responses={200: {"content": {PSD: _BINARY}, "headers": _HEADERS}},
)
async def download_layers(
    result_id: str, caller: SignedIn, gateway: Parts, language: Annotated[Literal["ko", "en"], Query()] = "ko"
) -> Response:
    """The drawing as a Photoshop file: line, colour, sky where one is found, and the picture it came from, hidden."""
    picture, original, name = await asyncio.to_thread(_with_original, gateway, result_id, caller.id)
    request = background_pb.SeparateLayersRequest(
        request_id=new_id(), owner=caller.id, picture=picture, original=original, language=language
    )
    made = await gateway.peers.separate_layers(request)
    content = await asyncio.to_thread(_take, gateway, made.psd.key)
    left_out = ",".join(convert.LAYER_NAMES[one.kind] for one in made.left_out)
    return Response(content, media_type=PSD, headers=attachment(f"{name}.psd") | {LEFT_OUT: left_out})


@router.get("/results/{result_id}/reading")
async def read_style(result_id: str, caller: SignedIn, gateway: Parts) -> ReadingAnswer:
    """How near a drawing is to the pages that its style was learned from."""
    picture, pages = await asyncio.to_thread(_with_pages, gateway, result_id, caller.id)
    read = await gateway.peers.read_style(background_pb.ReadStyleRequest(owner=caller.id, picture=picture, pages=pages))
    return ReadingAnswer(
        verdict=convert.VERDICTS[read.verdict],
        times=round(read.times, 2),
        aspects=[
            AspectAnswer(
                kind=convert.ASPECTS[one.kind], times=round(one.times, 2), verdict=convert.VERDICTS[one.verdict]
            )
            for one in read.aspects
        ],
        pages=len(pages),
    )


def _with_original(
    gateway: Gateway, result_id: str, account_id: str
) -> tuple[image_pb2.Picture, image_pb2.Picture | None, str]:
    """The drawing, the picture it was made from where that is still there, and a name for the file."""
    with gateway.db() as db:
        result = owned(db, Result, result_id, account_id)
        request = _request(db, result.job_id)
        given = db.get(Picture, request.get("picture_id") or request.get("character_picture_id") or "")
        original = convert.picture(convert.to_ref(given)) if given is not None else None
        return convert.picture(convert.to_ref(result)), original, f"{result.kind}_{result.seed}_{result.index + 1:02d}"


def _with_pages(gateway: Gateway, result_id: str, account_id: str) -> tuple[image_pb2.Picture, list[image_pb2.Picture]]:
    """The drawing, and the pictures from which the style was learned that counts most in it."""
    with gateway.db() as db:
        result = owned(db, Result, result_id, account_id)
        uses = sorted(_request(db, result.job_id).get("styles", []), key=lambda use: -abs(use.get("weight") or 1.0))
        style = db.get(Style, uses[0]["style_id"]) if uses else None
        ids = _request(db, style.job_id).get("picture_ids", [])[:MAX_PAGES] if style is not None else []
        rows = db.exec(select(Picture).where(col(Picture.id).in_(ids), Picture.account_id == account_id)).all()
        if not rows:
            raise NotReady(
                "there are no pages to compare with: draw in a learned style whose pictures are still there",
                reason="NO_PAGES",
            )
        return convert.picture(convert.to_ref(result)), [convert.picture(convert.to_ref(row)) for row in rows]


def _request(db: Session, job_id: str) -> dict[str, Any]:
    row = db.get(JobRequest, job_id)
    return row.request if row is not None else {}


def _take(gateway: Gateway, key: str) -> bytes:
    """The file, which nobody else needs."""
    content = gateway.store.get(key)
    gateway.store.delete(key)
    return content
