"""What a backup says of itself. It is written last: without it, a backup was interrupted."""

import datetime as dt
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from services.admin.rows import read_lines
from services.common.artifacts import FolderStore
from services.common.errors import NotFound, NotReady
from services.common.named import NamedObject

FORMAT = 1
FILE = "manifest.json"


class Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Table(Said):
    """One table's lines."""

    rows: int
    sha256: str


class Service(Said):
    """One service's database."""

    engine: str  # that it was on; it may be restored into another
    revision: str
    tables: dict[str, Table]


class Manifest(Said):
    """The whole backup."""

    format: int
    created_at: dt.datetime
    services: dict[str, Service]
    objects: int
    object_bytes: int
    objects_sha256: str  # of the list of objects
    lost: list[str] = []  # keys of objects that were lost already when it was taken
    dangling: list[str] = []  # pointers to rows that were not there


class Object(Said):
    """One line of the list of objects."""

    key: str
    sha256: str
    size_bytes: int
    media_type: str

    def named(self) -> NamedObject:
        return NamedObject(**self.model_dump())


class BackupFolder:
    """Where the parts of a backup lie."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = FolderStore(path / "objects")
        self.object_list = path / "objects.jsonl"

    def lines(self, service: str, table: str) -> Path:
        return self.path / "rows" / service / f"{table}.jsonl"

    def rows(self, service: str, table: str) -> Iterator[dict[str, Any]]:
        return read_lines(self.lines(service, table))

    def objects(self) -> Iterator[Object]:
        return (Object.model_validate(line) for line in read_lines(self.object_list))

    def write_manifest(self, manifest: Manifest) -> None:
        """All at once, when everything else is on the disk."""
        partial = self.path / f".{FILE}"
        with partial.open("w", encoding="utf-8") as file:
            file.write(manifest.model_dump_json(indent=2))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path / FILE)

    def manifest(self) -> Manifest:
        """
        Raises:
            NotFound: no backup is there.
            NotReady: it was interrupted, or is of a format that this program does not know.
        """
        try:
            text = (self.path / FILE).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            if self.path.is_dir() and any(self.path.iterdir()):
                raise NotReady(
                    f"{self.path} has no {FILE}: the backup was interrupted; remove it, and take another",
                    reason="INTERRUPTED_BACKUP",
                ) from error
            raise NotFound(f"no backup at {self.path}", reason="NO_BACKUP") from error
        try:
            found = Manifest.model_validate_json(text)
        except ValidationError as error:
            raise NotReady(f"{self.path / FILE} is not a manifest of ours: {error}", reason="BAD_MANIFEST") from error
        if found.format != FORMAT:
            raise NotReady(
                f"the backup is of format {found.format}, this program knows {FORMAT}: use the newer program",
                reason="OTHER_FORMAT",
            )
        return found

    def id(self) -> str:
        """A name for this very backup."""
        return file_sha256(self.path / FILE)


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_line(named: NamedObject, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    return {"key": named.key, "sha256": digest, "size_bytes": len(content), "media_type": named.media_type}
