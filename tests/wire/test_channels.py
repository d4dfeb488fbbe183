"""Connections between services: how large messages may be, how old connections grow, and machines that vanish."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import oma_stubs
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.cli.mesh.ports import free_ports
from services.common.clients import open_channel
from services.common.serving import MAX_MESSAGE_BYTES, server_options

ROOT = Path(__file__).parents[2]
METHOD = "/oma.test.Echo/Call"
Handle = Callable[[bytes, Any], Awaitable[bytes]]


@asynccontextmanager
async def serving(handle: Handle, options: list[tuple[str, int]]) -> AsyncIterator[str]:
    server = grpc.aio.server(options=options)
    methods = {"Call": grpc.unary_unary_rpc_method_handler(handle)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("oma.test.Echo", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def length(request: bytes, _context: object) -> bytes:
    return b"%d" % len(request)


async def as_long_as_asked(request: bytes, _context: object) -> bytes:
    return bytes(int(request))


async def test_a_message_above_the_limit_is_refused_by_name_and_the_next_one_is_served() -> None:
    async with serving(length, server_options()) as address:
        careless = grpc.aio.insecure_channel(address, options=[("grpc.max_send_message_length", -1)])
        for channel in (careless, open_channel(address)):
            async with channel:
                call = channel.unary_unary(METHOD, bytes, bytes)
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await call(bytes(MAX_MESSAGE_BYTES + 1), timeout=60)
                assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                assert str(MAX_MESSAGE_BYTES) in str(refused.value.details())
                assert await call(bytes(MAX_MESSAGE_BYTES), timeout=60) == b"%d" % MAX_MESSAGE_BYTES


async def test_an_answer_above_the_limit_is_refused_by_name() -> None:
    async with serving(as_long_as_asked, server_options()) as address, open_channel(address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(METHOD, bytes, bytes)(b"%d" % (MAX_MESSAGE_BYTES + 1), timeout=60)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_connections_grow_old_and_no_call_fails_of_it() -> None:
    peers: set[str] = set()

    async def tell_peer(_request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        peers.add(context.peer())
        return b""

    aged = server_options(connection_seconds=0.3, grace_seconds=5)
    async with serving(tell_peer, aged) as address, open_channel(address) as channel, asyncio.timeout(60):
        while len(peers) < 3:
            await channel.unary_unary(METHOD, bytes, bytes)(b"", timeout=30)


@pytest.fixture
def small_server() -> Iterator[tuple[int, str]]:
    """(process, address) of a server in a process of its own."""
    [port] = free_ports(1)
    command = (sys.executable, "-m", "tests.fakes.small_server", f"127.0.0.1:{port}")
    process = subprocess.Popen(command, cwd=ROOT)
    yield process.pid, f"127.0.0.1:{port}"
    process.kill()
    process.wait(30)


async def test_a_server_that_falls_silent_is_given_up_long_before_the_calls_time_is_over(
    small_server: tuple[int, str],
) -> None:
    process, address = small_server
    async with open_channel(address, keepalive_seconds=1) as channel, asyncio.timeout(120):
        watch = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(service="live"), wait_for_ready=True, timeout=3600
        )
        await watch.read()
        os.kill(process, signal.SIGSTOP)
        async with asyncio.timeout(40):  # gRPC alone waits a minute for the answer to a ping
            with pytest.raises(grpc.aio.AioRpcError) as given_up:
                await watch.read()
        assert given_up.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "ping timeout" in str(given_up.value.details())


def test_the_stubs_of_other_programs_give_a_silent_server_up_too(small_server: tuple[int, str]) -> None:
    process, address = small_server
    unproven = partial(oma_stubs.open_channel, owner="mina", assertion=lambda _owner, _service: "")
    with unproven(address, keepalive_seconds=1) as channel:
        live = health_pb2.HealthCheckRequest(service="live")
        watch = health_pb2_grpc.HealthStub(channel).Watch(live, wait_for_ready=True, timeout=40)
        next(watch)
        os.kill(process, signal.SIGSTOP)
        with pytest.raises(grpc.RpcError) as given_up:
            next(watch)
        assert given_up.value.code() is grpc.StatusCode.UNAVAILABLE  # not DEADLINE_EXCEEDED
        assert "ping timeout" in str(given_up.value.details())


async def test_a_call_that_says_nothing_for_long_is_not_cut_off_for_asking_whether_the_server_is_there() -> None:
    async def think(_request: bytes, _context: object) -> bytes:
        await asyncio.sleep(8)  # gRPC's own bound would end this with "too many pings" at the third or fourth
        return b"done"

    patient = server_options(ping_seconds=0.5)
    async with serving(think, patient) as address, open_channel(address, keepalive_seconds=1) as channel:
        assert await channel.unary_unary(METHOD, bytes, bytes)(b"", timeout=60) == b"done"
