"""The artifact store: named bytes, kept under their owner's prefix.

Keys are `<owner>/<service>/...`, so that deletion and isolation are prefix operations.
"""

import datetime as dt
import errno
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, Field, SecretStr, SerializationInfo, field_serializer

from services.common.errors import InvalidInput, NotFound, Unavailable
from services.common.telemetry.stores import observed

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+\Z")
WITH_SECRETS = "with secrets"  # context of a dump that goes through a pipe to a process of ours, and nowhere else
_OWNER = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_UNFINISHED = ".put-"  # no key has a part that begins with a dot
_ABSENT = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRef:
    """Where an object lies and what it must contain."""

    key: str
    sha256: str
    size_bytes: int
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a store knows of an object without reading it."""

    key: str
    size_bytes: int
    modified_at: dt.datetime  # in UTC, by the store's clock


class ArtifactStore(Protocol):
    """What services need of a store; every implementation passes the same contract test.

    Each method raises `Unavailable` when the store cannot be reached or written; its reason is ARTIFACTS_FULL where
    there is no room left, else ARTIFACTS_DOWN.
    """

    def put(self, key: str, content: bytes, media_type: str) -> ArtifactRef:
        """Store `content`; all of it or nothing becomes visible."""

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """The bytes; `NotFound` when there are none, `InvalidInput` when there are more than `max_bytes`, unread."""

    def stat(self, key: str) -> Entry:
        """What is known of one object; `NotFound` when there is none."""

    def entries(self, prefix: str) -> Iterator[Entry]:
        """Every object whose key begins with `prefix`, which ends in "/"."""

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys of `entries`."""

    def owners(self) -> list[str]:
        """Whoever has objects: the first parts of all keys."""

    def delete(self, key: str) -> None:
        """Remove one object; absent is fine."""

    def discard_unfinished(self, *, older_than: dt.datetime) -> int:
        """Remove what writers that died left half-written before then, which nobody can see; returns how many."""


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

    @field_serializer("access_key", "secret_key", when_used="json")
    def _reveal(self, value: SecretStr, info: SerializationInfo) -> str:
        """Stars, unless the context is `WITH_SECRETS`."""
        return value.get_secret_value() if info.context == WITH_SECRETS else str(value)


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

    @observed("put")
    def put(self, key: str, content: bytes, media_type: str) -> ArtifactRef:
        path = self._path(key)
        with _our_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_UNFINISHED, delete=False) as file:
                temporary = Path(file.name)
                try:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                    temporary.replace(path)
                except BaseException:
                    temporary.unlink(missing_ok=True)
                    raise
        return describe(key, content, media_type)

    @observed("get")
    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        with _our_errors(key), self._path(key).open("rb") as file:
            check_size(key, os.fstat(file.fileno()).st_size, max_bytes)
            return file.read()

    @observed("stat")
    def stat(self, key: str) -> Entry:
        with _our_errors(key):
            return self._entry(self._path(key))

    def entries(self, prefix: str) -> Iterator[Entry]:
        for path in sorted((self._folder / prefix).rglob("*")):
            if path.is_file() and not path.name.startswith(_UNFINISHED):
                with suppress(FileNotFoundError):  # deleted since
                    yield self._entry(path)

    def keys(self, prefix: str) -> Iterator[str]:
        return (entry.key for entry in self.entries(prefix))

    def owners(self) -> list[str]:
        return sorted(path.name for path in self._folder.glob("*") if path.is_dir() and _OWNER.match(path.name))

    @observed("delete")
    def delete(self, key: str) -> None:
        with _our_errors(key):
            self._path(key).unlink(missing_ok=True)

    def remove_folders(self, owner: str) -> None:
        """Remove the folders that an owner without objects has left."""
        root = self._folder / check_owner(owner)
        for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
            folder.rmdir()
        if root.exists():
            root.rmdir()

    def discard_unfinished(self, *, older_than: dt.datetime) -> int:
        found = 0
        for path in self._folder.rglob(f"{_UNFINISHED}*"):
            with suppress(FileNotFoundError):
                if path.is_file() and path.stat().st_mtime < older_than.timestamp():
                    path.unlink()
                    found += 1
        return found

    def _path(self, key: str) -> Path:
        return self._folder / check_key(key)

    def _entry(self, path: Path) -> Entry:
        known = path.stat()
        if not stat.S_ISREG(known.st_mode):
            raise FileNotFoundError
        return Entry(
            key=path.relative_to(self._folder).as_posix(),
            size_bytes=known.st_size,
            modified_at=dt.datetime.fromtimestamp(known.st_mtime, dt.UTC),
        )


@contextmanager
def _our_errors(sought: str | None = None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if sought is not None and isinstance(error, _ABSENT):
            raise NotFound(f"no artifact {sought}", reason="NO_ARTIFACT") from error
        if error.errno in _NO_ROOM:
            raise out_of_room() from error
        raise Unavailable(f"the artifact folder does not work: {error.strerror}", reason="ARTIFACTS_DOWN") from error


def out_of_room() -> Unavailable:
    message = "the artifact store is full: its operator must free space or enlarge it; then try again"
    return Unavailable(message, reason="ARTIFACTS_FULL")


def check_size(key: str, size_bytes: int, max_bytes: int | None) -> None:
    if max_bytes is not None and size_bytes > max_bytes:
        raise InvalidInput(f"{key} has {size_bytes} bytes of at most {max_bytes}", reason="ARTIFACT_TOO_LARGE")


def describe(key: str, content: bytes, media_type: str) -> ArtifactRef:
    digest = hashlib.sha256(content).hexdigest()
    return ArtifactRef(key=key, sha256=digest, size_bytes=len(content), media_type=media_type)


def get_checked(store: ArtifactStore, key: str, sha256: str, *, owner: str, max_bytes: int | None = None) -> bytes:
    """The bytes of `key`, which must lie under the owner's prefix and have this hash.

    Raises:
        NotFound: absent, or another owner's.
        InvalidInput: the content is not the one that was meant, or larger than `max_bytes`.
    """
    if not key.startswith(f"{check_owner(owner)}/"):
        raise NotFound(f"no artifact {key}", reason="NO_ARTIFACT")
    content = store.get(key, max_bytes=max_bytes)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InvalidInput(f"{key} is not the content with SHA-256 {sha256!r}", reason="ARTIFACT_CHANGED")
    return content


def delete_prefix(store: ArtifactStore, prefix: str) -> int:
    """Remove everything below `prefix`, which ends in "/"; returns how many objects."""
    found = list(store.entries(prefix))
    for entry in found:
        store.delete(entry.key)
    return len(found)


def delete_owner(store: ArtifactStore, owner: str) -> int:
    """Remove everything of an owner, the folders of a store on disk too; returns how many objects."""
    count = delete_prefix(store, f"{check_owner(owner)}/")
    if isinstance(store, FolderStore):
        try:
            store.remove_folders(owner)
        except OSError as error:  # something was put there meanwhile
            raise Unavailable("the owner's folders are in use; try again soon", reason="ARTIFACTS_BUSY") from error
    return count


def check_key(key: str) -> str:
    if not _KEY.match(key) or len(key) > 512:  # noqa: PLR2004 (a key's longest length, in S3 1024)
        raise InvalidInput(f"not an artifact key: {key!r}", reason="ARTIFACT_KEY")
    return key


def check_owner(owner: str) -> str:
    if not _OWNER.match(owner):
        raise InvalidInput("owner must be 1 to 64 letters, digits, '-' or '_'", reason="OWNER")
    return owner
