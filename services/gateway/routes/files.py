"""Stored files, for whoever holds a signed link."""

from fastapi import APIRouter, Response

from services.gateway.gateway import Parts
from services.gateway.links import LIFETIME_SECONDS

router = APIRouter(tags=["files"])

_HEADERS = {
    "Cache-Control": f"private, max-age={LIFETIME_SECONDS}",
    "Content-Security-Policy": "default-src 'none'; sandbox",  # bytes, never a page of ours
}


@router.get(
    "/files/{token}",
    response_class=Response,
    responses={200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}},
)
def get_file(token: str, gateway: Parts) -> Response:
    """The file that a link of ours names, for 15 minutes at most."""
    file = gateway.links.open(token)
    return Response(gateway.store.get(file.key), media_type=file.media_type, headers=_HEADERS)
