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
from services.common.identity.certificates import Certificates, TlsSettings, open_certificates, server_credentials
from services.common.identity.gate import CallerGate, Gate, OwnerGate
from services.common.identity.keys import trusted_keys
from services.common.interceptors import CallInterceptor
from services.common.watched_files import FromFiles

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
_CONNECTION_SECONDS, _CONNECTION_GRACE_SECONDS = 300, 60
_PING_SECONDS = 10
LONGEST_CONNECTION_SECONDS = 1.25 * (_CONNECTION_SECONDS + _CONNECTION_GRACE_SECONDS)  # ages vary by a tenth
LIVE = "live"
"""A name for health checks that ask whether the process answers, not whether it can take work."""


class ServerSettings(BaseModel):
    """What every gRPC server needs."""

    address: str = Field(default="127.0.0.1:0", description="Host and port to listen on; port 0 takes a free one.")
    allow_plaintext: bool = Field(
        default=False, description="Listen without TLS on an address that other machines reach; for development only."
    )
    health_address: str = Field(
        default="",
        description="Host and port where health alone is served, without TLS, for the platform's probes; empty: none.",
    )
    tls: TlsSettings = TlsSettings()
    allowed_callers: tuple[str, ...] = Field(
        default=("spiffe://oma/gateway", "spiffe://oma/gateway-worker"),
        description="With TLS: who may call, by a name (URI or DNS) in the caller's certificate; a JSON list.",
    )
    trusted_keys: Path = Field(
        default=Path("var/keys/trusted"), description="Folder of the public keys that sign owner assertions, as PEM."
    )
    shutdown_grace_seconds: float = Field(
        default=20.0, gt=0, description="How long calls in flight may go on after SIGTERM."
    )


def server_options(
    *,
    connection_seconds: float = _CONNECTION_SECONDS,
    grace_seconds: float = _CONNECTION_GRACE_SECONDS,
    ping_seconds: float = _PING_SECONDS,
) -> list[tuple[str, int]]:
    """Message limits, keepalive, and connections aged so that callers find new replicas (platform notes, 2.5).

    `ping_seconds`: callers that ask more often whether we are there, on calls that say nothing, are cut off.
    """
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.http2.min_ping_interval_without_data_ms", round(1_000 * ping_seconds)),
        ("grpc.max_connection_age_ms", round(1_000 * connection_seconds)),
        ("grpc.max_connection_age_grace_ms", round(1_000 * grace_seconds)),
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
    certificates = open_certificates(settings.tls)
    server = create_server(open_gate(settings, with_callers=certificates is not None))
    status = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    name = register(server)
    reflection.enable_server_reflection((name, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    port = add_port(server, settings.address, certificates)

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sig, stopping.set)

    await status.set(LIVE, health_pb2.HealthCheckResponse.SERVING)
    for served in (name, ""):
        await status.set(served, health_pb2.HealthCheckResponse.NOT_SERVING)
    await server.start()
    probed = await _serve_health(settings.health_address, status)
    log.info("listening", extra={"name_served": name, "port": port, "tls": certificates is not None})
    opening = asyncio.create_task(_open(status, name, until_ready))
    await stopping.wait()
    opening.cancel()
    await status.enter_graceful_shutdown()
    await server.stop(settings.shutdown_grace_seconds)
    await probed.stop(None)  # last: until then the platform is told that we are going
    log.info("stopped", extra={"name_served": name})


def open_gate(settings: ServerSettings, *, with_callers: bool) -> Gate:
    """What the settings say about who may call, and for whom."""
    owners = OwnerGate(Verifier(trusted_keys(settings.trusted_keys)))
    return CallerGate(settings.allowed_callers, owners) if with_callers else owners


def add_port(server: grpc.aio.Server, address: str, certificates: FromFiles[Certificates] | None) -> int:
    """Listen on `address`, with mutual TLS where there are certificates; returns the port."""
    if certificates is None:
        return server.add_insecure_port(address)
    return server.add_secure_port(address, server_credentials(certificates))


async def _serve_health(address: str, status: HealthServicer) -> grpc.aio.Server:
    """A server of its own that tells health and knows nothing else; it listens nowhere where no address is given."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    if address:
        server.add_insecure_port(address)
    await server.start()
    return server


async def _open(status: HealthServicer, name: str, until_ready: Callable[[], Awaitable[None]] | None) -> None:
    if until_ready is not None:
        await until_ready()
    for served in (name, ""):
        await status.set(served, health_pb2.HealthCheckResponse.SERVING)
    log.info("serving", extra={"name_served": name})


def refuse_open_plaintext(settings: ServerSettings) -> None:
    """Raises ValueError for a server without TLS that other machines reach, unless that is allowed."""
    host = settings.address.rpartition(":")[0].strip("[]")
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if local or settings.tls.certificate is not None:
        return
    if not settings.allow_plaintext:
        raise ValueError(
            f"{settings.address} is reachable from other machines and this server has no TLS: give it certificates, "
            "listen on 127.0.0.1, or set allow_plaintext for development"
        )
    log.warning("without TLS on an address that other machines reach", extra={"address": settings.address})
