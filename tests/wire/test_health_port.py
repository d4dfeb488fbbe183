"""Health on a port of its own: what the platform's probes ask, and nothing else."""

import asyncio
import signal
import sys
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.cli.mesh.ports import free_ports
from services.cli.mesh.probes import grpc_serves

ROOT = Path(__file__).parents[2]


async def test_probes_have_a_port_of_their_own_that_knows_nothing_but_health() -> None:
    address, health_address = (f"127.0.0.1:{port}" for port in free_ports(2))
    program = (sys.executable, "-m", "tests.fakes.small_server", address, health_address)
    server = await asyncio.create_subprocess_exec(*program, cwd=ROOT)
    try:
        async with asyncio.timeout(120):
            while not await grpc_serves(health_address):  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.1)
        assert await grpc_serves(address)
        async with grpc.aio.insecure_channel(health_address) as channel:
            asked = health_pb2.HealthCheckRequest(service="oma.test.SmallService")
            answer = await health_pb2_grpc.HealthStub(channel).Check(asked, timeout=20)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            for method in ("/oma.test.SmallService/Anything", "/grpc.reflection.v1alpha.ServerReflection/Info"):
                call = channel.unary_unary(method, lambda request: request, lambda answer: answer)
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await call(b"", timeout=20)
                assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    finally:
        server.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.wait(), timeout=60) == 0
