"""The process of pose estimation beside a Triton that comes later: alive at once, ready when Triton is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tritonclient.grpc import service_pb2_grpc as pb_grpc

from services.common.identity.keys import write_keys
from services.common.serving import LIVE
from services.pose.estimation.model import read_signature
from services.pose.estimation.triton_repository import MODELS, Placement, to_config
from tests.fakes.pose_families import write_dwpose
from tests.fakes.postgres import free_port
from tests.fakes.triton.scripted import ScriptedTriton

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 90
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def ports() -> tuple[int, int]:
    """Of Triton and of the health probes."""
    return free_port(), free_port()


@pytest.fixture
def process(tmp_path: Path, ports: tuple[int, int]) -> "Iterator[subprocess.Popen[bytes]]":
    write_keys(tmp_path / "keys", Ed25519PrivateKey.generate())
    prefix = "OMA_POSE_ESTIMATION_"
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT}/gen",
        f"{prefix}TRITON": f"127.0.0.1:{ports[0]}",
        f"{prefix}SERVER__HEALTH_ADDRESS": f"127.0.0.1:{ports[1]}",
        f"{prefix}SERVER__TRUSTED_KEYS": str(tmp_path / "keys/trusted"),
        f"{prefix}ARTIFACTS__FOLDER": str(tmp_path / "artifacts"),
    }
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "services.pose.estimation"], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
    yield running
    running.terminate()
    running.wait(30)


async def test_it_lives_at_once_and_is_ready_when_triton_is(
    process: "subprocess.Popen[bytes]", ports: tuple[int, int], tmp_path: Path
) -> None:
    write_dwpose(tmp_path / "dwpose")
    script = ScriptedTriton(*(to_config(one, read_signature(tmp_path / one.file), Placement()) for one in MODELS))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{ports[1]}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        alive = await stub.Check(
            health_pb2.HealthCheckRequest(service=LIVE), timeout=PATIENCE_SECONDS, wait_for_ready=True
        )
        ready = stub.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS)
        assert (alive.status, (await ready.read()).status) == (SERVING, NOT_SERVING)
        triton = grpc.aio.server()
        pb_grpc.add_GRPCInferenceServiceServicer_to_server(script, triton)
        triton.add_insecure_port(f"127.0.0.1:{ports[0]}")
        await triton.start()
        assert (await ready.read()).status == SERVING
        ready.cancel()
        await triton.stop(None)
    assert process.poll() is None
