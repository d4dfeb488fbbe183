"""Artifacts in a bucket of MinIO, or of any server that speaks S3."""

import datetime as dt
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3
from minio import Minio
from minio.datatypes import Object
from minio.error import MinioException, S3Error

from services.common.artifacts import ArtifactRef, Entry, S3Settings, check_key, check_size, describe, out_of_room
from services.common.errors import NotFound, Unavailable
from services.common.telemetry.stores import observed

log = logging.getLogger(__name__)

CONNECT_SECONDS, READ_SECONDS = 1.0, 10.0  # minio's own default is five minutes
_ABSENT = {"NoSuchKey", "NoSuchBucket"}
_NO_ROOM = {"XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded"}
_ONE_PART_BYTES = 512 * 1024 * 1024  # smaller objects are one request: a writer that dies leaves no parts behind


class S3Store:
    """One bucket. Objects appear whole or not at all, which S3 promises of a put."""

    def __init__(self, settings: S3Settings) -> None:
        self._bucket = settings.bucket
        pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            retries=urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
        )
        self._client = Minio(
            settings.endpoint,
            access_key=settings.access_key.get_secret_value(),
            secret_key=settings.secret_key.get_secret_value(),
            secure=settings.secure,
            region=settings.region,
            http_client=pool,
        )

    @observed("put")
    def put(self, key: str, content: bytes, media_type: str) -> ArtifactRef:
        with _our_errors(check_key(key)):
            self._client.put_object(
                self._bucket,
                key,
                io.BytesIO(content),
                len(content),
                content_type=media_type,
                part_size=_ONE_PART_BYTES,
            )
        return describe(key, content, media_type)

    @observed("get")
    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        with _our_errors(check_key(key)):
            response = self._client.get_object(self._bucket, key)
            try:
                check_size(key, int(response.headers["Content-Length"]), max_bytes)
                return response.read()
            finally:
                response.close()
                response.release_conn()

    @observed("stat")
    def stat(self, key: str) -> Entry:
        with _our_errors(check_key(key)):
            return _entry(self._client.stat_object(self._bucket, key))

    def entries(self, prefix: str) -> Iterator[Entry]:
        with _our_errors(prefix):
            for found in self._client.list_objects(self._bucket, prefix, recursive=True):
                yield _entry(found)

    def keys(self, prefix: str) -> Iterator[str]:
        return (entry.key for entry in self.entries(prefix))

    def owners(self) -> list[str]:
        with _our_errors("of anybody"):
            found = self._client.list_objects(self._bucket)
            return sorted(one.object_name.rstrip("/") for one in found if one.is_dir and one.object_name)

    @observed("delete")
    def delete(self, key: str) -> None:
        with _our_errors(check_key(key)):
            self._client.remove_object(self._bucket, key)

    def discard_unfinished(self, *, older_than: dt.datetime) -> int:  # noqa: ARG002 (the contract)
        """Nothing to do: an object is one request, which arrives whole or not at all."""
        return 0


def _entry(found: Object) -> Entry:
    assert found.object_name is not None
    assert found.size is not None
    assert found.last_modified is not None
    return Entry(key=found.object_name, size_bytes=found.size, modified_at=found.last_modified)


@contextmanager
def _our_errors(key: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        if error.code in _ABSENT:
            raise NotFound(f"no artifact {key}", reason="NO_ARTIFACT") from error
        log.warning("object store refused", extra={"code": error.code})
        if error.code in _NO_ROOM:
            raise out_of_room() from error
        raise Unavailable("the artifact store refused; try again soon", reason="ARTIFACTS_DOWN") from error
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        log.warning("object store unreachable", exc_info=error)
        raise Unavailable("the artifact store cannot be reached; try again soon", reason="ARTIFACTS_DOWN") from error
