"""Mutual TLS with real certificates: who gets in, and that nobody notices when all of them are replaced."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from services.common.clients import FreshChannels, open_channel, our_errors
from services.common.errors import Unavailable
from services.common.identity.certificates import Certificates, TlsSettings, channel_credentials, open_certificates
from services.common.identity.gate import CallerGate
from services.common.serving import add_port, create_server
from tests.fakes.certificates import Authority
from tests.fakes.owners import GATE, assertion

DEADLINE_SECONDS = 20
GATEWAY, BACKGROUND = "spiffe://oma/gateway", "spiffe://oma/background"
Connect = Callable[[TlsSettings], grpc.aio.Channel]


async def owner_of(request: bytes, context: Any) -> bytes:
    return b"let in"


@asynccontextmanager
async def serving(tls: TlsSettings) -> AsyncIterator[int]:
    server = create_server(CallerGate([GATEWAY], GATE))
    handlers = {"Ask": grpc.unary_unary_rpc_method_handler(owner_of)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.T", handlers)])
    status = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    port = add_port(server, "127.0.0.1:0", open_certificates(tls, look_seconds=0.05))
    await server.start()
    yield port
    await server.stop(None)


@pytest.fixture
def authority() -> Authority:
    return Authority("first")


@pytest.fixture
async def port(authority: Authority, tmp_path: Path) -> AsyncIterator[int]:
    async with serving(authority.issue(tmp_path / "server", BACKGROUND)) as listening:
        yield listening


def credentials(tls: TlsSettings) -> grpc.ChannelCredentials:
    opened = open_certificates(tls)
    assert opened is not None
    return channel_credentials(opened())


async def ask(channel: Any, *metadata: tuple[str, str]) -> bytes:
    answer: bytes = await channel.unary_unary("/test.T/Ask")(b"", timeout=DEADLINE_SECONDS, metadata=metadata)
    return answer


async def refusal(asked: Awaitable[bytes]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asked
    told: Any = dict(caught.value.trailing_metadata())  # type: ignore[arg-type]  # pairs, whatever its stub says
    return caught.value.code(), told.get("oma-reason", "")


async def test_a_named_caller_with_an_assertion_gets_in(port: int, authority: Authority, tmp_path: Path) -> None:
    gateway = credentials(authority.issue(tmp_path / "gateway", GATEWAY))
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", gateway) as channel:
        assert await ask(channel, assertion("test.T")) == b"let in"


async def test_a_valid_service_without_an_assertion_reads_nothing(
    port: int, authority: Authority, tmp_path: Path
) -> None:
    gateway = credentials(authority.issue(tmp_path / "gateway", GATEWAY))
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", gateway) as channel:
        assert await refusal(ask(channel)) == (grpc.StatusCode.UNAUTHENTICATED, "ASSERTION_MISSING")


async def test_a_service_that_is_not_named_is_refused_whatever_it_brings(
    port: int, authority: Authority, tmp_path: Path
) -> None:
    for names in ((BACKGROUND,), ("spiffe://oma/gateway2",), ()):
        other = credentials(authority.issue(tmp_path / "other", *names))
        async with grpc.aio.secure_channel(f"127.0.0.1:{port}", other) as channel:
            refused = await refusal(ask(channel, assertion("test.T")))
            assert refused == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_ALLOWED")


async def test_without_a_certificate_of_our_authority_nobody_connects(
    port: int, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority("stranger").issue(tmp_path / "stranger", GATEWAY, authorities=authority.pem)
    address = f"127.0.0.1:{port}"
    for channel in (
        grpc.aio.secure_channel(address, credentials(stranger)),
        grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(authority.pem)),
        grpc.aio.insecure_channel(address),
    ):
        async with channel:
            code, _ = await refusal(ask(channel, assertion("test.T")))
            assert code is grpc.StatusCode.UNAVAILABLE


async def test_a_caller_does_not_speak_to_a_server_of_another_authority(authority: Authority, tmp_path: Path) -> None:
    impostor = Authority("impostor").issue(tmp_path / "server", BACKGROUND, authorities=authority.pem)
    gateway = credentials(authority.issue(tmp_path / "gateway", GATEWAY))
    async with serving(impostor) as port, grpc.aio.secure_channel(f"127.0.0.1:{port}", gateway) as channel:
        code, _ = await refusal(ask(channel, assertion("test.T")))
        assert code is grpc.StatusCode.UNAVAILABLE


async def test_health_can_be_asked_by_any_process_of_the_mesh(port: int, authority: Authority, tmp_path: Path) -> None:
    other = credentials(authority.issue(tmp_path / "other", "spiffe://oma/prober"))
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", other) as channel:
        asked = health_pb2.HealthCheckRequest()
        answer = await health_pb2_grpc.HealthStub(channel).Check(asked, timeout=DEADLINE_SECONDS)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def serial_served(port: int, tls: TlsSettings) -> int:
    """Serial number of the certificate that the server shows now."""
    assert tls.certificate
    context = ssl.create_default_context(cafile=tls.authorities)
    context.load_cert_chain(tls.certificate, tls.private_key)
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return x509.load_der_x509_certificate(shown).serial_number


async def test_every_certificate_is_replaced_under_load_and_no_call_fails(authority: Authority, tmp_path: Path) -> None:
    """First everyone believes both authorities, then shows certificates of the new one, then forgets the old one."""
    newer = Authority("newer")
    both = authority.pem + newer.pem
    server_files = authority.issue(tmp_path / "server", BACKGROUND)
    client_files = authority.issue(tmp_path / "gateway", GATEWAY)
    old_client = credentials(authority.issue(tmp_path / "old", GATEWAY, authorities=both))
    answered, stopping = 0, asyncio.Event()

    def connect(name: str, files: Certificates | None) -> grpc.aio.Channel:
        return open_channel(name, certificates=files)

    async def load(channels: FreshChannels, address: str) -> None:
        nonlocal answered
        while not stopping.is_set():
            assert await ask(channels[address], assertion("test.T")) == b"let in"
            answered += 1

    async def some_answers(count: int = 40) -> None:
        until = answered + count
        while answered < until:  # noqa: ASYNC110 (bounded by the test's own timeout)
            await asyncio.sleep(0.01)

    async with serving(server_files) as port, asyncio.TaskGroup() as group:
        channels = FreshChannels(connect, open_certificates(client_files, look_seconds=0.05))
        before = await serial_served(port, client_files)
        tasks = [group.create_task(load(channels, f"127.0.0.1:{port}")) for _ in range(4)]
        await some_answers()
        for signer, believed in ((authority, both), (newer, both), (newer, newer.pem)):
            signer.issue(tmp_path / "server", BACKGROUND, authorities=believed)
            signer.issue(tmp_path / "gateway", GATEWAY, authorities=believed)
            await asyncio.sleep(0.1)  # both sides look at their files every 50 ms
            await some_answers()
        assert await serial_served(port, client_files) != before
        async with grpc.aio.secure_channel(f"127.0.0.1:{port}", old_client) as channel:
            code, _ = await refusal(ask(channel, assertion("test.T")))
            assert code is grpc.StatusCode.UNAVAILABLE
        stopping.set()
        await asyncio.gather(*tasks)
        await channels.close()


async def test_a_key_that_is_not_the_certificates_is_refused_at_the_start(authority: Authority, tmp_path: Path) -> None:
    files = authority.issue(tmp_path / "one", GATEWAY)
    other = authority.issue(tmp_path / "two", GATEWAY)
    with pytest.raises(ValueError, match="not the key"):
        open_certificates(files.model_copy(update={"private_key": other.private_key}))
    with pytest.raises(ValueError, match="all three"):
        TlsSettings(certificate=files.certificate)


async def test_a_peer_that_does_not_let_us_in_is_down_to_the_person_whom_we_work_for(
    port: int, authority: Authority, tmp_path: Path
) -> None:
    gateway = credentials(authority.issue(tmp_path / "gateway", GATEWAY))
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", gateway) as channel:
        with pytest.raises(Unavailable) as caught, our_errors("test"):
            await ask(channel)
    assert caught.value.reason == "ASSERTION_MISSING"


async def test_a_replica_is_known_by_the_name_that_all_of_them_share(
    port: int, authority: Authority, tmp_path: Path
) -> None:
    opened = open_certificates(authority.issue(tmp_path / "gateway", GATEWAY))
    assert opened is not None
    for name, outcome in (("localhost", "let in"), ("elsewhere", grpc.StatusCode.UNAVAILABLE)):
        async with open_channel(f"127.0.0.1:{port}", certificates=opened(), server_name=name) as channel:
            if isinstance(outcome, str):
                assert await ask(channel, assertion("test.T")) == outcome.encode()
            else:
                assert (await refusal(ask(channel, assertion("test.T"))))[0] is outcome
