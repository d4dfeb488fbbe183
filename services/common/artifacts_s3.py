"""Artifacts in a bucket of MinIO, or of any server that speaks S3."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from services.common.artifacts import ArtifactRef, S3Settings, check_key, describe
from services.common.errors import NotFound, Unavailable

log = logging.getLogger(__name__)

CONNECT_SECONDS, READ_SECONDS = 1.0, 10.0  # minio's own default is five minutes
_ABSENT = {"NoSuchKey", "NoSuchBucket"}


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

    def put(self, key: str, content: bytes, media_type: str) -> ArtifactRef:
        with _our_errors(check_key(key)):
            self._client.put_object(self._bucket, key, io.BytesIO(content), len(content), content_type=media_type)
        return describe(key, content, media_type)

    def get(self, key: str) -> bytes:
        with _our_errors(check_key(key)):
            response = self._client.get_object(self._bucket, key)
            try:
                return response.read()
            finally:
                response.close()
                response.release_conn()

    def keys(self, prefix: str) -> Iterator[str]:
        with _our_errors(prefix):
            for found in self._client.list_objects(self._bucket, prefix, recursive=True):
                if found.object_name is not None:
                    yield found.object_name

    def delete(self, key: str) -> None:
        with _our_errors(check_key(key)):
            self._client.remove_object(self._bucket, key)


@contextmanager
def _our_errors(key: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        if error.code in _ABSENT:
            raise NotFound(f"no artifact {key}", reason="NO_ARTIFACT") from error
        log.warning("object store refused", extra={"code": error.code})
        raise Unavailable("the artifact store refused; try again soon", reason="ARTIFACTS_DOWN") from error
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        log.warning("object store unreachable", exc_info=error)
        raise Unavailable("the artifact store cannot be reached; try again soon", reason="ARTIFACTS_DOWN") from error
