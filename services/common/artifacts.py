"""The artifact store: named bytes, kept under their owner's prefix.

Keys are `<owner>/<service>/...`, so that deletion and isolation are prefix operations.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, Field, SecretStr

from services.common.errors import InvalidInput, NotFound, Unavailable

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+\Z")
_OWNER = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRef:
    """Where an object lies and what it must contain."""

    key: str
    sha256: str
    size_bytes: int
    media_type: str


class ArtifactStore(Protocol):
    """What services need of a store; every implementation passes the same contract test."""

    def put(self, key: str, content: bytes, media_type: str) -> ArtifactRef:
        """Store `content`; all of it or nothing becomes visible."""

    def get(self, key: str) -> bytes:
        """The bytes; `NotFound` when there are none."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that begins with `prefix`, which ends in "/"."""

    def delete(self, key: str) -> None:
        """Remove one object; absent is fine."""


class S3Settings(BaseModel):
    """A bucket on MinIO, or on any server that speaks S3."""

    endpoint: str = Field(
        default="", description="Host and port of the S3 server; empty keeps artifacts in the folder."
    )
    bucket: str = Field(default="artifacts", description="Bucket of the artifact store; it must exist.")
    access_key: SecretStr = Field(default=SecretStr(""), description="Access key for the bucket.")
    secret_key: SecretStr = Field(default=SecretStr(""), description="Secret key for the bucket.")
    secure: bool = Field(default=True, description="Speak TLS to the S3 server.")
    region: str = Field(default="us-east-1", description="Region that the S3 server expects in signatures.")


class ArtifactSettings(BaseModel):
    """Where artifacts are kept."""

    folder: Path = Field(default=Path("var/artifacts"), description="Folder of the artifact store.")
    s3: S3Settings = S3Settings()


def open_store(settings: ArtifactSettings) -> ArtifactStore:
    """The store that the settings name."""
    if not settings.s3.endpoint:
        return FolderStore(settings.folder)
    from services.common.artifacts_s3 import S3Store  # noqa: PLC0415 (minio is loaded only where it is used)

    return S3Store(settings.s3)


class FolderStore:
    """Artifacts as files below one folder of one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, content: bytes, media_type: str) -> ArtifactRef:
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".put-", delete=False) as file:
                temporary = Path(file.name)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            raise Unavailable(
                f"the artifact folder cannot be written: {error.strerror}", reason="ARTIFACTS_DOWN"
            ) from error
        return describe(key, content, media_type)

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(f"no artifact {key}", reason="NO_ARTIFACT") from error

    def keys(self, prefix: str) -> Iterator[str]:
        root = self._folder / prefix
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.name.startswith(".put-"):
                yield path.relative_to(self._folder).as_posix()

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / check_key(key)


def describe(key: str, content: bytes, media_type: str) -> ArtifactRef:
    digest = hashlib.sha256(content).hexdigest()
    return ArtifactRef(key=key, sha256=digest, size_bytes=len(content), media_type=media_type)


def get_checked(store: ArtifactStore, key: str, sha256: str, *, owner: str) -> bytes:
    """The bytes of `key`, which must lie under the owner's prefix and have this hash.

    Raises:
        NotFound: absent, or another owner's.
        InvalidInput: the content is not the one that was meant.
    """
    if not key.startswith(f"{check_owner(owner)}/"):
        raise NotFound(f"no artifact {key}", reason="NO_ARTIFACT")
    content = store.get(key)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InvalidInput(f"{key} is not the content with SHA-256 {sha256!r}", reason="ARTIFACT_CHANGED")
    return content


def delete_prefix(store: ArtifactStore, prefix: str) -> int:
    """Remove everything below `prefix`, which ends in "/"; returns how many objects."""
    found = list(store.keys(prefix))
    for key in found:
        store.delete(key)
    return len(found)


def check_key(key: str) -> str:
    if not _KEY.match(key) or len(key) > 512:  # noqa: PLR2004 (a key's longest length, in S3 1024)
        raise InvalidInput(f"not an artifact key: {key!r}", reason="ARTIFACT_KEY")
    return key


def check_owner(owner: str) -> str:
    if not _OWNER.match(owner):
        raise InvalidInput("owner must be 1 to 64 letters, digits, '-' or '_'", reason="OWNER")
    return owner
