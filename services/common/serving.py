"""Runs one gRPC server until the platform asks it to stop."""

import asyncio
import ipaddress
import logging
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection
from pydantic import BaseModel, Field

from services.common.identity.assertions import Verifier
from services.common.identity.gate import Gate, OwnerGate
from services.common.identity.keys import trusted_keys
from services.common.interceptors import CallInterceptor

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
LIVE = "live"
"""A name for health checks that ask whether the process answers, not whether it can take work."""


class ServerSettings(BaseModel):
    """What every gRPC server needs."""

    address: str = Field(default="127.0.0.1:0", description="Host and port to listen on; port 0 takes a free one.")
    allow_plaintext: bool = Field(
        default=False, description="Listen without TLS on an address that other machines reach; for development only."
    )
    trusted_keys: Path = Field(
        default=Path("var/keys/trusted"), description="Folder of the public keys that sign owner assertions, as PEM."
    )
    shutdown_grace_seconds: float = Field(
        default=20.0, gt=0, description="How long calls in flight may go on after SIGTERM."
    )


def server_options() -> list[tuple[str, int]]:
    """Message limits, keepalive, and connections aged so that callers find new replicas (platform notes, 2.5)."""
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
        ("grpc.max_connection_age_ms", 300_000),
        ("grpc.max_connection_age_grace_ms", 60_000),
        ("grpc.so_reuseport", 0),
    ]


def create_server(gate: Gate) -> grpc.aio.Server:
    """A server with our limits, whose calls go through `gate`; nothing is registered yet."""
    return grpc.aio.server(interceptors=[CallInterceptor(gate)], options=server_options())


async def serve(
    settings: ServerSettings,
    register: Callable[[grpc.aio.Server], str],
    *,
    until_ready: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve what `register` adds (it returns the service's full name) until SIGTERM or SIGINT.

    Health says SERVING once `until_ready` has returned; of the service `LIVE` it says so from the start.

    Raises:
        ValueError: the address is not on loopback and plaintext is not allowed, or there are no keys to trust.
    """
    refuse_open_plaintext(settings)
    server = create_server(OwnerGate(Verifier(trusted_keys(settings.trusted_keys))))
    status = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    name = register(server)
    reflection.enable_server_reflection((name, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    port = server.add_insecure_port(settings.address)

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sig, stopping.set)

    await status.set(LIVE, health_pb2.HealthCheckResponse.SERVING)
    for served in (name, ""):
        await status.set(served, health_pb2.HealthCheckResponse.NOT_SERVING)
    await server.start()
    log.info("listening", extra={"name_served": name, "port": port})
    opening = asyncio.create_task(_open(status, name, until_ready))
    await stopping.wait()
    opening.cancel()
    await status.enter_graceful_shutdown()
    await server.stop(settings.shutdown_grace_seconds)
    log.info("stopped", extra={"name_served": name})


async def _open(status: HealthServicer, name: str, until_ready: Callable[[], Awaitable[None]] | None) -> None:
    if until_ready is not None:
        await until_ready()
    for served in (name, ""):
        await status.set(served, health_pb2.HealthCheckResponse.SERVING)
    log.info("serving", extra={"name_served": name})


def refuse_open_plaintext(settings: ServerSettings) -> None:
    host = settings.address.rpartition(":")[0].strip("[]")
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local and not settings.allow_plaintext:
        raise ValueError(
            f"{settings.address} is reachable from other machines and this server has no TLS: "
            "listen on 127.0.0.1, or set allow_plaintext for development"
        )
