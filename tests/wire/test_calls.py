"""What every RPC of ours promises, over a real channel, for both shapes of answer."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from services.common.clients import our_errors
from services.common.errors import NotFound, Overloaded, Unavailable
from services.common.request_ids import METADATA_KEY, current_request_id
from services.common.serving import create_server
from tests.fakes.owners import GATE, assertion

DEADLINE_SECONDS = 10


async def missing(request: bytes, context: Any) -> bytes:
    raise NotFound("no such training", reason="NO_TRAINING")


async def busy(request: bytes, context: Any) -> bytes:
    raise Overloaded("full", reason="QUEUE_FULL", retry_after_seconds=2.5)


async def broken(request: bytes, context: Any) -> bytes:
    raise ZeroDivisionError("secret detail")


async def request_id(request: bytes, context: Any) -> bytes:
    return current_request_id().encode()


async def breaks_late(request: bytes, context: Any) -> AsyncIterator[bytes]:
    yield b"first"
    raise NotFound("gone", reason="NO_TRAINING")


@pytest.fixture
async def channel() -> AsyncIterator[grpc.aio.Channel]:
    server = create_server(GATE)
    unary = {"Missing": missing, "Busy": busy, "Broken": broken, "RequestId": request_id}
    handlers = {name: grpc.unary_unary_rpc_method_handler(method) for name, method in unary.items()}
    handlers["BreaksLate"] = grpc.unary_stream_rpc_method_handler(breaks_late)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.T", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as open_channel:
        yield open_channel
    await server.stop(None)


def call(channel: Any, name: str, **options: Any) -> Any:
    return channel.unary_unary(f"/test.T/{name}")(
        b"", **{"timeout": DEADLINE_SECONDS, **options, "metadata": (assertion("test.T"), *options.get("metadata", ()))}
    )


async def test_an_error_crosses_the_wire_with_its_kind_its_words_and_its_reason(channel: grpc.aio.Channel) -> None:
    with pytest.raises(NotFound, match="no such training") as caught, our_errors("test"):
        await call(channel, "Missing")
    assert caught.value.reason == "NO_TRAINING"


async def test_a_refusal_says_when_to_come_back(channel: grpc.aio.Channel) -> None:
    with pytest.raises(Overloaded) as caught, our_errors("test"):
        await call(channel, "Busy")
    assert caught.value.retry_after_seconds == pytest.approx(2.5)


async def test_a_bug_keeps_its_details_to_itself(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(channel, "Broken")
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(caught.value.details())


async def test_a_bug_of_a_peer_reads_as_unavailable(channel: grpc.aio.Channel) -> None:
    with pytest.raises(Unavailable), our_errors("test"):
        await call(channel, "Broken")


async def test_an_error_in_the_middle_of_a_stream_keeps_its_kind(channel: grpc.aio.Channel) -> None:
    untyped: Any = channel  # the type stubs ask for codecs that are optional
    stream = untyped.unary_stream("/test.T/BreaksLate")(b"", timeout=DEADLINE_SECONDS, metadata=(assertion("test.T"),))
    assert await stream.read() == b"first"
    with pytest.raises(NotFound), our_errors("test"):
        await stream.read()


async def test_a_call_without_a_deadline_is_refused(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="deadline") as caught:
        await call(channel, "RequestId", timeout=None)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_request_id_is_followed_and_a_bad_one_replaced(channel: grpc.aio.Channel) -> None:
    assert await call(channel, "RequestId", metadata=((METADATA_KEY, "abc-1"),)) == b"abc-1"
    assert await call(channel, "RequestId", metadata=((METADATA_KEY, 'x" injected'),)) != b'x" injected'


async def test_an_unreachable_peer_is_unavailable() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as nowhere:
        with pytest.raises(Unavailable), our_errors("test"):
            await call(nowhere, "Missing")
