"""File names for downloads, Hangul kept, and zips of assets."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from services.common.artifacts import ArtifactStore

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipEntry:
    """One picture of an asset, to be packed."""

    folder: str = ""
    asset_name: str
    key: str
    media_type: str


def plain_name(name: str) -> str:
    """A part of a file name that every system takes."""
    return _NOT_IN_NAMES.sub("_", name).strip(" .") or "_"


def attachment(filename: str) -> dict[str, str]:
    """Headers that make a browser save the answer under this name (RFC 6266)."""
    name = plain_name(filename)
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_")
    return {"Content-Disposition": f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name)}"}


def write_zip(path: Path, project_name: str, entries: list[ZipEntry], store: ArtifactStore) -> None:
    """Pack `<project>_<folder>_<asset>_<nn>.png`; pictures are compressed already, so they are only stored."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, entry in zip(zip_names(project_name, entries), entries, strict=True):
            archive.writestr(zipfile.ZipInfo(name), store.get(entry.key))


def zip_names(project_name: str, entries: list[ZipEntry]) -> Iterator[str]:
    counts: dict[str, int] = {}
    for entry in entries:
        parts = [project_name, *entry.folder.split("/"), entry.asset_name]
        stem = "_".join(plain_name(part) for part in parts if part)
        counts[stem] = counts.get(stem, 0) + 1
        ending = "jpg" if entry.media_type == "image/jpeg" else "png"
        yield f"{stem}_{counts[stem]:02d}.{ending}"
