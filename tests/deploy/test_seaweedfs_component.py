"""The S3 server of components/seaweedfs: its own arguments, its probe, and the job that makes the buckets."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from minio import Minio
from minio.error import S3Error
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from tests.deploy.manifests import Manifest, main_container, named, with_components
from tests.fakes.postgres import free_port

START_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    port: int
    key: str
    secret: str

    def client(self, secret: str | None = None) -> Minio:
        return Minio(f"127.0.0.1:{self.port}", self.key, secret or self.secret, secure=False, http_client=PoolManager())


def container() -> Manifest:
    return main_container(named(with_components("seaweedfs"), "StatefulSet", "seaweedfs"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Started as in the pod, but for its folders, its ports, and that only this machine reaches it."""
    found = Server(port=free_port(), key=secrets.token_hex(8), secret=secrets.token_hex(16))
    credentials = [{"accessKey": found.key, "secretKey": found.secret}]
    identities = {"identities": [{"name": "all", "credentials": credentials, "actions": ["Admin", "Read", "Write"]}]}
    (tmp_path / "s3.json").write_text(json.dumps(identities), encoding="utf-8")
    (tmp_path / "data").mkdir()
    moved = {
        "-dir=/data": f"-dir={tmp_path}/data",
        "-ip.bind=0.0.0.0": "-ip.bind=127.0.0.1",
        "-s3.port=8333": f"-s3.port={found.port}",
        "-s3.config=/etc/seaweedfs/s3.json": f"-s3.config={tmp_path}/s3.json",
    }
    args = container()["args"]
    assert set(moved) <= set(args)
    names = ("master.port", "volume.port", "filer.port", "master.port.grpc", "volume.port.grpc", "filer.port.grpc")
    others = [f"-{name}={free_port()}" for name in (*names, "s3.port.grpc")]
    command = [Path(sys.executable).parent / "weed", *(moved.get(one, one) for one in args), *others]
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
    yield found
    running.kill()
    running.wait()


def until_ready(server: Server) -> None:
    """As the kubelet asks."""
    probe = container()["readinessProbe"]["httpGet"]
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at:
        try:
            if (
                PoolManager(retries=False).request("GET", f"http://127.0.0.1:{server.port}{probe['path']}").status
                == 200
            ):
                return
        except HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError("it never became ready")


def make_buckets(server: Server) -> None:
    job = main_container(named(with_components("seaweedfs"), "Job", "seaweedfs-buckets"))
    told = {"ENDPOINT": f"127.0.0.1:{server.port}", "ACCESS_KEY": server.key, "SECRET_KEY": server.secret}
    assert {one["name"] for one in job["env"]} == {*told, "SECURE"}
    program = [sys.executable, *job["args"][1:]]
    done = subprocess.run(
        program, env={**told, "SECURE": "false"}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_it_starts_as_the_pod_starts_it_and_the_buckets_are_made_once(server: Server) -> None:
    until_ready(server)
    for _ in range(2):
        make_buckets(server)
    assert {bucket.name for bucket in server.client().list_buckets()} == {"artifacts", "models"}
    with pytest.raises(S3Error):
        server.client(secret="another").list_buckets()
