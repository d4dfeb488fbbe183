"""Asks one process whether it is ready to work."""

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

PROBE_TIMEOUT_SECONDS = 5.0


async def grpc_serves(address: str) -> bool:
    """Whether the gRPC server at host:port says SERVING."""
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=PROBE_TIMEOUT_SECONDS
            )
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def http_serves(address: str) -> bool:
    """Whether http://host:port/healthz answers 200."""
    async with httpx.AsyncClient(timeout=PROBE_TIMEOUT_SECONDS, trust_env=False) as client:
        try:
            return (await client.get(f"http://{address}/healthz")).is_success
        except httpx.HTTPError:
            return False
