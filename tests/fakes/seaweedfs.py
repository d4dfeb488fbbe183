"""A real S3 server for tests (SeaweedFS): loopback, free ports, credentials made at run time, stopped by process id."""

import json
import secrets
import subprocess
import sys
import time
import uuid
from pathlib import Path

from minio import Minio
from minio.error import MinioException
from pydantic import SecretStr
from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError

from services.common.artifacts import S3Settings
from tests.fakes.postgres import free_port

START_SECONDS = 60


class SeaweedFS:
    """Started by the constructor, which returns once a bucket can be made."""

    def __init__(self, folder: Path) -> None:
        self._key, self._secret = secrets.token_hex(8), secrets.token_hex(16)
        self.endpoint = f"127.0.0.1:{free_port()}"
        self._folder = folder
        credentials = [{"accessKey": self._key, "secretKey": self._secret}]
        actions = ["Admin", "Read", "Write", "List"]
        identities = {"identities": [{"name": "tests", "credentials": credentials, "actions": actions}]}
        (folder / "s3.json").write_text(json.dumps(identities), encoding="utf-8")
        (folder / "data").mkdir()
        self._ports = [free_port() for _ in range(7)]  # the same after a restart, which finds its data by them
        self.start()

    def start(self) -> None:
        master, volume, filer, *others = self._ports
        # Iceberg and Lance listen on fixed ports, which two servers cannot share.
        command = [
            str(Path(sys.executable).parent / "weed"), "server", f"-dir={self._folder}/data", "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1", f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
            f"-master.port.grpc={others[0]}", f"-volume.port.grpc={others[1]}", f"-filer.port.grpc={others[2]}",
            "-s3", f"-s3.port={self.endpoint.partition(':')[2]}", f"-s3.port.grpc={others[3]}",
            f"-s3.config={self._folder}/s3.json", "-s3.port.iceberg=0", "-s3.port.lance=0",
            "-volume.max=1000", "-master.volumeSizeLimitMB=16",
        ]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        self._wait()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def new_bucket(self) -> S3Settings:
        name = f"t{uuid.uuid4().hex[:20]}"
        self._client().make_bucket(name)
        return S3Settings(
            endpoint=self.endpoint,
            bucket=name,
            access_key=SecretStr(self._key),
            secret_key=SecretStr(self._secret),
            secure=False,
        )

    def _client(self) -> Minio:
        pool = PoolManager(timeout=Timeout(connect=1, read=10), retries=False)
        return Minio(self.endpoint, self._key, self._secret, secure=False, region="us-east-1", http_client=pool)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._client().list_buckets()
            except (MinioException, HTTPError):
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.1)
            else:
                return
