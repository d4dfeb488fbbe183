"""The gateway and its workers as the processes they are: two replicas, kill -9, SIGTERM."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.common.artifacts import FolderStore
from services.common.identity.keys import SIGNING_FILE, write_keys
from tests.fakes.artists import PASSWORD, Artist, sign_up
from tests.fakes.model_services import FakeServices
from tests.fakes.owners import KEY

ROOT = Path(__file__).parents[2]
LEASE_SECONDS = 2.0


class Mesh:
    """Processes of one gateway on one folder, over scripted model services."""

    def __init__(self, folder: Path, services: FakeServices) -> None:
        write_keys(folder, KEY)
        where = services.address
        settings = {
            "DATABASE_URL": f"sqlite:///{folder}/gateway.db",
            "ARTIFACTS__FOLDER": str(folder / "artifacts"),
            "LINK_SECRET_FILE": str(folder / "secret"),
            "SIGNING_KEY_FILE": str(folder / SIGNING_FILE),
            "LEASE_SECONDS": str(LEASE_SECONDS),
            **{f"{name}_ADDRESS": where for name in ("STYLE_TRAIN", "BACKGROUND", "POSE_ESTIMATION", "POSE_TRANSFER")},
        }
        self._environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}"}
        self._environment |= {f"OMA_GATEWAY_{name}": value for name, value in settings.items()}
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self, module: str, **settings: str) -> asyncio.subprocess.Process:
        environment = self._environment | {f"OMA_GATEWAY_{name}": value for name, value in settings.items()}
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, env=environment, cwd=ROOT)
        self._processes.append(process)
        return process

    async def start_gateway(self) -> tuple[asyncio.subprocess.Process, str]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        process = await self.start("services.gateway", HTTP_ADDRESS=address)
        async with httpx.AsyncClient(base_url=f"http://{address}") as http, asyncio.timeout(150):
            while not await _healthy(http):
                assert process.returncode is None
                await asyncio.sleep(0.1)
        return process, f"http://{address}"

    async def stop(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _healthy(http: httpx.AsyncClient) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return (await http.get("/healthz")).status_code == 200
    return False


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[FakeServices]:
    running = FakeServices(FolderStore(tmp_path / "artifacts"))
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def mesh(tmp_path: Path, services: FakeServices) -> AsyncIterator[Mesh]:
    made = Mesh(tmp_path, services)
    yield made
    await made.stop()


async def post(artist: Artist) -> dict[str, Any]:
    project = await artist.project()
    body = {"prompt": "노을", "seed": 3}
    job: dict[str, Any] = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json=body)
    return job


async def ended(artist: Artist, job_id: str) -> dict[str, Any]:
    await artist.http.get(f"/api/v1/jobs/{job_id}/events")
    job: dict[str, Any] = await artist.call("GET", f"/jobs/{job_id}", 200)
    return job


async def test_a_worker_killed_in_the_middle_costs_nothing_but_time(mesh: Mesh, services: FakeServices) -> None:
    script = services.background.script
    script.hold_at_step = 2
    _, url = await mesh.start_gateway()
    first = await mesh.start("services.gateway.worker")
    async with httpx.AsyncClient(base_url=url, timeout=150) as http:
        artist = await sign_up(http, "artist@example.com")
        job = await post(artist)
        async with asyncio.timeout(150):
            await script.held.wait()
        second = await mesh.start("services.gateway.worker")
        first.kill()
        script.hold_at_step = None
        done = await ended(artist, job["id"])
        assert done["state"] == "succeeded"
        assert [result["seed"] for result in done["results"]] == [3]
        assert script.requests[0] == script.requests[1]
        second.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await second.wait() == 0


async def test_progress_is_seen_through_the_other_replica_and_a_restart_interrupts_nothing(
    mesh: Mesh, services: FakeServices
) -> None:
    script = services.background.script
    script.hold_at_step = 2
    (first, first_url), (_, second_url) = await asyncio.gather(mesh.start_gateway(), mesh.start_gateway())
    await mesh.start("services.gateway.worker")
    async with (
        httpx.AsyncClient(base_url=first_url, timeout=150) as http,
        httpx.AsyncClient(base_url=second_url, timeout=150) as other,
    ):
        artist = await sign_up(http, "artist@example.com")
        job = await post(artist)
        sign_in = {"email": "artist@example.com", "password": PASSWORD}
        assert (await other.post("/api/v1/session", json=sign_in)).status_code == 200
        async with asyncio.timeout(150), other.stream("GET", f"/api/v1/jobs/{job['id']}/events") as response:
            async for line in response.aiter_lines():
                if '"steps_done":2' in line:
                    break
        first.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await first.wait() == 0
        script.go_on.set()
        done = await ended(Artist(http=other, csrf="", id=artist.id), job["id"])
        assert done["state"] == "succeeded"
        shown = await other.get(done["results"][0]["url"])
        assert shown.status_code == 200
        assert len(script.requests) == 1
