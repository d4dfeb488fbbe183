"""The real processes that `benchmarks/mesh.py` measures: services and the gateway, on loopback and one folder."""

import asyncio
import json
import math
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.common.clients import call_metadata
from services.common.identity.assertions import Signer
from services.common.identity.keys import SIGNING_FILE, write_keys
from tests.fakes.postgres import free_port

ROOT = Path(__file__).parents[1]
START_SECONDS = 240
OWNER = "benchmark"
CALL_SECONDS = 300
SMALL_FAMILY = ROOT / "models/webtoon_tiny/weights"


def say(name: str, ours: float, peer: float | None, unit: str, detail: str) -> None:
    ratio = round(ours / peer, 3) if peer else None
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    told = {"name": f"mesh.{name}", "ours": round(ours, 3), "peer": peer, "ratio": ratio, "unit": unit}
    print(json.dumps({**told, "detail": f"{detail}, {load}"}), flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


async def timed(call: Callable[[], Awaitable[Any]], times: int) -> list[float]:
    """Milliseconds of each of `times` calls, one after the other, after two that do not count."""
    spent = []
    for number in range(times + 2):
        began = time.perf_counter()
        await call()
        if number >= 2:  # noqa: PLR2004
            spent.append(1000 * (time.perf_counter() - began))
    return spent


@dataclass(slots=True, kw_only=True)
class Process:
    """One process of the mesh and where it listens."""

    module: str
    settings: Mapping[str, str]
    port: int
    metrics_port: int
    running: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        paths = f"{ROOT}:{ROOT / 'gen'}:{ROOT / 'stubs'}"
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **self.settings}
        silent = asyncio.subprocess.DEVNULL
        command = (sys.executable, "-m", self.module)
        self.running = await asyncio.create_subprocess_exec(*command, env=environment, cwd=ROOT, stderr=silent)

    async def stop(self) -> int:
        """Ask it to end as the platform does; returns its exit code."""
        assert self.running is not None
        with suppress(ProcessLookupError):
            self.running.send_signal(signal.SIGTERM)
        return await self.running.wait()

    def cpu_seconds(self) -> float:
        assert self.running is not None
        used = psutil.Process(self.running.pid).cpu_times()
        return float(used.user + used.system)

    async def counter(self, series: str, label: str) -> float:
        """The sum of those lines of its metrics that begin with `series` and have `label`."""
        return sum(number for line, number in await self._metrics() if line.startswith(series) and label in line)

    async def percentile_bound(self, histogram: str, label: str, share: float) -> float:
        """The smallest bound of its buckets that holds this share of what has `label`; inf when none does."""
        held = Counter[float]()
        for line, number in await self._metrics():
            if line.startswith(f"{histogram}_bucket{{") and label in line:
                held[float(line.partition('le="')[2].partition('"')[0])] += int(number)
        wanted = share * held[math.inf]
        return min((bound for bound, count in held.items() if 0 < wanted <= count), default=math.inf)

    async def _metrics(self) -> list[tuple[str, float]]:
        async with httpx.AsyncClient(timeout=30) as http:
            text = (await http.get(f"http://127.0.0.1:{self.metrics_port}/metrics")).text
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return [(series, float(number)) for series, _, number in lines]


@dataclass(slots=True)
class Mesh:
    """Everything that was started on a folder, stopped at the end."""

    folder: Path
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    _all: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        write_keys(self.folder, self.key)

    def metadata(self, service: str) -> tuple[tuple[str, str], ...]:
        return call_metadata(Signer(lambda: self.key), service=service, owner=OWNER)

    async def service(self, module: str, prefix: str, **settings: str) -> Process:
        """Start a gRPC service; it may not be ready yet."""
        port, metrics_port = free_port(), free_port()
        told = {
            "SERVER__ADDRESS": f"127.0.0.1:{port}",
            "SERVER__TRUSTED_KEYS": str(self.folder / "trusted"),
            "ARTIFACTS__FOLDER": str(self.folder / "artifacts"),
            **settings,
        }
        return await self._start(module, prefix, told, port, metrics_port)

    async def gateway(self, **settings: str) -> Process:
        port, metrics_port = free_port(), free_port()
        told = {
            "HTTP_ADDRESS": f"127.0.0.1:{port}",
            "DATABASE_URL": f"sqlite:///{self.folder}/gateway.db",
            "ARTIFACTS__FOLDER": str(self.folder / "artifacts"),
            "LINK_SECRET_FILE": str(self.folder / "secret"),
            "SIGNING_KEY_FILE": str(self.folder / SIGNING_FILE),
            **settings,
        }
        return await self._start("services.gateway", "OMA_GATEWAY_", told, port, metrics_port)

    async def _start(self, module: str, prefix: str, told: Mapping[str, str], port: int, metrics_port: int) -> Process:
        settings = {f"{prefix}{name}": value for name, value in told.items()}
        settings[f"{prefix}TELEMETRY__METRICS_ADDRESS"] = f"127.0.0.1:{metrics_port}"
        process = Process(module=module, settings=settings, port=port, metrics_port=metrics_port)
        self._all.append(process)
        await process.start()
        return process

    async def stop(self) -> None:
        for process in self._all:
            if process.running is not None and process.running.returncode is None:
                process.running.kill()
                await process.running.wait()


@asynccontextmanager
async def mesh_on(folder: Path) -> AsyncIterator[Mesh]:
    mesh = Mesh(folder)
    try:
        yield mesh
    finally:
        await mesh.stop()


async def until_serving(*processes: Process) -> None:
    async with asyncio.timeout(START_SECONDS):
        for process in processes:
            async with grpc.aio.insecure_channel(process.address) as channel:
                while not await _serves(channel):
                    assert process.running is not None
                    assert process.running.returncode is None, f"{process.module} ended"
                    await asyncio.sleep(0.2)


async def _serves(channel: grpc.aio.Channel) -> bool:
    with suppress(grpc.aio.AioRpcError):
        request = health_pb2.HealthCheckRequest()
        answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=2, wait_for_ready=True)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
    return False


async def until_answering(gateway: Process) -> None:
    async with httpx.AsyncClient(base_url=f"http://{gateway.address}") as http, asyncio.timeout(START_SECONDS):
        while True:
            with suppress(httpx.TransportError):
                if (await http.get("/healthz")).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.2)
