"""Where a family's files come from. Each source gives a file from any place in it on, so that a pull can go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import httpx
import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from services.common.artifacts import S3Settings
from services.common.errors import InvalidInput, NotFound, ServiceError, Unavailable

_PIECE_BYTES = 1024 * 1024
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_ABSENT = {"NoSuchKey", "NoSuchBucket"}


class Source(Protocol):
    """Files by their paths below one place."""

    def read(self, path: str, *, offset: int) -> Iterator[bytes]:
        """The bytes from `offset` on, in pieces.

        Raises:
            NotFound: no such file.
            Unavailable: the source cannot be reached, or the connection was lost.
        """


def open_source(given: str, s3: S3Settings) -> Source:
    """
    Raises:
        InvalidInput: not a source, or a bucket without a server.
    """
    scheme, _, rest = given.partition("://")
    if not rest:
        return FolderSource(Path(given))
    if scheme in ("http", "https"):
        return WebSource(given)
    if scheme == "s3" and s3.endpoint:
        return BucketSource(s3, *rest.partition("/")[::2])
    if scheme == "s3":
        raise InvalidInput("set OMA_MODELS_S3__ENDPOINT, __ACCESS_KEY and __SECRET_KEY", reason="S3_SETTINGS")
    raise InvalidInput(f"{given!r} is no folder, https://… or s3://bucket/folder", reason="SOURCE")


class FolderSource:
    """Files of this machine, or of a disk that it mounts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str, *, offset: int) -> Iterator[bytes]:
        try:
            with (self._folder / path).open("rb") as file:
                file.seek(offset)
                while piece := file.read(_PIECE_BYTES):
                    yield piece
        except FileNotFoundError as error:
            raise _absent(f"{self._folder / path}") from error
        except OSError as error:
            raise Unavailable(f"{self._folder / path}: {error.strerror}", reason="SOURCE_DOWN") from error


class WebSource:
    """Files of a web server, which must answer ranges where a pull is to go on in the middle of one."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.Client(timeout=_TIMEOUT, follow_redirects=True, transport=transport)

    def read(self, path: str, *, offset: int) -> Iterator[bytes]:
        url = f"{self._url}/{quote(path)}"
        try:
            asked = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
            with self._http.stream("GET", url, headers=asked) as answer:
                if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                    return  # all of it is here
                if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.FORBIDDEN):
                    raise _absent(url)
                answer.raise_for_status()
                skipped = offset if answer.status_code == httpx.codes.OK else 0  # it knows no ranges
                for piece in answer.iter_bytes():
                    kept = piece[skipped:]
                    skipped -= len(piece) - len(kept)
                    yield kept
        except httpx.HTTPError as error:
            raise _down(url) from error


class BucketSource:
    """Objects of a bucket, below a prefix."""

    def __init__(self, settings: S3Settings, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client = Minio(
            settings.endpoint,
            access_key=settings.access_key.get_secret_value(),
            secret_key=settings.secret_key.get_secret_value(),
            secure=settings.secure,
            region=settings.region,
            http_client=urllib3.PoolManager(timeout=urllib3.Timeout(connect=5.0, read=30.0), retries=2),
        )

    def read(self, path: str, *, offset: int) -> Iterator[bytes]:
        key = self._prefix + path
        with _our_errors(f"s3://{self._bucket}/{key}"):
            if offset and offset >= (self._client.stat_object(self._bucket, key).size or 0):
                return
            answer = self._client.get_object(self._bucket, key, offset=offset)
            try:
                yield from answer.stream(_PIECE_BYTES)
            finally:
                answer.close()
                answer.release_conn()


@contextmanager
def _our_errors(what: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        raise (_absent(what) if error.code in _ABSENT else _down(what)) from error
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        raise _down(what) from error


def _absent(what: str) -> ServiceError:
    return NotFound(f"there is no {what}: is the source right?", reason="NO_FILE")


def _down(what: str) -> ServiceError:
    return Unavailable(f"{what} did not come through: pull again, it goes on where it stopped", reason="SOURCE_DOWN")
