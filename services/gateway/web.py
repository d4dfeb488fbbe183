"""The built web app: its files, and index.html for every path that the app itself routes."""

from pathlib import Path, PurePosixPath

from fastapi import APIRouter
from fastapi.responses import FileResponse

from services.common.errors import NotFound
from services.gateway.gateway import Parts

router = APIRouter(include_in_schema=False)

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # built files carry their hash in their name
_ASK_AGAIN = {"Cache-Control": "no-cache"}


@router.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/api")
@router.get("/api/{path:path}")
def no_such_route(path: str = "") -> None:
    raise NotFound(f"there is no /api/{path}: see /api/v1/openapi.json", reason="NO_ROUTE")


@router.get("/{path:path}")
def web_app(path: str, gateway: Parts) -> FileResponse:
    folder = gateway.web_folder.resolve()
    file = _below(folder, path)
    if file is not None:
        return FileResponse(file, headers=_FOR_EVER if path.startswith("assets/") else _ASK_AGAIN)
    index = folder / "index.html"
    if PurePosixPath(path).suffix:
        raise NotFound(f"there is no file {path}", reason="NO_FILE")
    if not index.is_file():
        raise NotFound("the web app is not built: run `make setup`", reason="NO_WEB_APP")
    return FileResponse(index, headers=_ASK_AGAIN)


def _below(folder: Path, path: str) -> Path | None:
    file = (folder / path).resolve()
    return file if file.is_relative_to(folder) and file.is_file() else None
