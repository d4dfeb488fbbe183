"""The edge in deploy/envoy, run by Envoy itself with real certificates, before a server behind our own gate."""

import asyncio
import re
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import yaml

from services.common.identity.certificates import open_certificates
from services.common.identity.gate import CallerGate
from services.common.serving import add_port, create_server
from tests.deploy.manifests import ROOT, deployments, environment, named, overlay
from tests.fakes.certificates import Authority
from tests.fakes.owners import GATE, assertion
from tests.fakes.postgres import free_port

CONFIG = ROOT / "deploy/envoy/envoy.yaml"
SERVICE = "oma.pose.v1.PoseEstimationService"
START_SECONDS, CALL_SECONDS = 60, 60


def clusters(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in config["static_resources"]["clusters"]}


def place_of(cluster: dict[str, Any]) -> dict[str, Any]:
    (endpoints,) = cluster["load_assignment"]["endpoints"]
    (endpoint,) = endpoints["lb_endpoints"]
    found: dict[str, Any] = endpoint["endpoint"]["address"]["socket_address"]
    return found


def test_it_leads_to_the_services_by_the_ports_and_names_that_they_have() -> None:
    found = clusters(yaml.safe_load(CONFIG.read_text(encoding="utf-8")))
    addresses = environment(deployments()["gateway"])
    for name in ("style-train", "background", "pose-estimation", "pose-transfer"):
        place = place_of(found[name])
        assert f"dns:///{place['address']}:{place['port_value']}" in addresses.values()
        (uri,) = named(overlay("prod"), "Certificate", name)["spec"]["uris"]
        assert f"'exact': '{uri}'" in str(found[name])
    (port,) = (one for one in named(overlay("dev"), "Service", "gateway")["spec"]["ports"] if one["name"] == "http")
    assert place_of(found["gateway"]) == {"address": "gateway", "port_value": port["port"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A running Envoy, the authority that both sides of it believe, and what the gateway behind it was asked."""

    port: int
    authority: Authority
    asked: list[bytes]

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"https://localhost:{self.port}", verify=self.tls(), timeout=CALL_SECONDS)

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority.pem.decode())

    def channel(self) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(f"localhost:{self.port}", grpc.ssl_channel_credentials(self.authority.pem))


async def answer(request: bytes, context: Any) -> bytes:
    return b"answered " + request


def behind(config: dict[str, Any], folder: Path, places: dict[str, int], port: int) -> dict[str, Any]:
    """The edge's own configuration, on this machine: its files below `folder`, its clusters at `places`."""
    text = yaml.safe_dump(config).replace("/etc/oma/", f"{folder}/")
    moved: dict[str, Any] = yaml.safe_load(text)
    for name, cluster in clusters(moved).items():
        place_of(cluster).update(address="127.0.0.1", port_value=places.get(name, places["gateway"]))
    moved["static_resources"]["listeners"][0]["address"]["socket_address"].update(address="127.0.0.1", port_value=port)
    moved["admin"]["address"]["socket_address"]["port_value"] = free_port()
    return moved


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    authority, asked = Authority("mesh"), list[bytes]()
    authority.issue(tmp_path / "edge")
    authority.issue(tmp_path / "tls", "spiffe://oma/edge")

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nhere")
        await writer.drain()
        writer.close()

    gateway = await asyncio.start_server(respond, "127.0.0.1", 0)
    server = create_server(CallerGate(["spiffe://oma/edge"], GATE))
    handlers = {"DrawSkeleton": grpc.unary_unary_rpc_method_handler(answer)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
    own = open_certificates(authority.issue(tmp_path / "service", "spiffe://oma/pose-estimation"))
    places = {
        "gateway": gateway.sockets[0].getsockname()[1],
        "pose-estimation": add_port(server, "127.0.0.1:0", own),
    }
    await server.start()
    port, file = free_port(), tmp_path / "envoy.yaml"
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump(behind(config, tmp_path, places, port)), encoding="utf-8")
    command = [
        str(Path(sys.executable).parent / "envoy"),
        "-c",
        str(file),
        "--use-dynamic-base-id",
        "--concurrency",
        "1",
    ]
    running = await asyncio.create_subprocess_exec(*command, "--log-level", "error")
    try:
        await until_listening(port, running)
        yield Edge(port=port, authority=authority, asked=asked)
    finally:
        running.kill()
        await running.wait()
        gateway.close()
        await server.stop(None)


async def until_listening(port: int, running: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            assert running.returncode is None
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_browsers_reach_the_gateway_and_cannot_say_who_they_are(edge: Edge) -> None:
    async with edge.http() as http:
        reached = await http.get("/projects", headers={"X-Forwarded-For": "10.1.2.3"})
        assert (reached.status_code, reached.text) == (200, "here")
        (told,) = re.findall(rb"\r\nx-forwarded-for: (.+)\r\n", edge.asked[0])
        said, seen = told.split(b",")  # the gateway believes what its own proxy says: the last
        assert seen.strip() != said == b"10.1.2.3"
        assert (await http.get("/a%2F..%2Fb")).status_code == 400
        assert (await http.get("/oma.pose.v1.PoseEstimationService/DrawSkeleton")).status_code == 404
        assert len(edge.asked) == 1


@pytest.mark.slow
async def test_both_versions_of_http_are_offered(edge: Edge) -> None:
    for wanted in ("h2", "http/1.1"):
        context = edge.tls()
        context.set_alpn_protocols([wanted])
        _, writer = await asyncio.open_connection("127.0.0.1", edge.port, ssl=context, server_hostname="localhost")
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == wanted
        writer.close()
        await writer.wait_closed()


@pytest.mark.slow
async def test_programs_reach_the_services_and_act_for_nobody_without_proof(edge: Edge) -> None:
    async with edge.channel() as channel:
        untyped: Any = channel
        call = untyped.unary_unary(f"/{SERVICE}/DrawSkeleton")
        proof = assertion(SERVICE)
        assert await call(b"a picture", timeout=CALL_SECONDS, metadata=(proof,)) == b"answered a picture"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(b"a picture", timeout=CALL_SECONDS)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        told: Any = dict(refused.value.trailing_metadata())  # type: ignore[arg-type]  # pairs, whatever its stub says
        assert told["oma-reason"] == "ASSERTION_MISSING"


@pytest.mark.slow
async def test_who_sends_headers_slowly_is_cut_off(edge: Edge) -> None:
    connection = await asyncio.open_connection("127.0.0.1", edge.port, ssl=edge.tls(), server_hostname="localhost")
    reader, writer = connection
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    async with asyncio.timeout(START_SECONDS):
        said = await reader.read()
    assert said.startswith(b"HTTP/1.1 408")
    assert edge.asked == []
    writer.close()
