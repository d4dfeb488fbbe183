"""The artist's job through all seven processes on PostgreSQL and a real S3 server, which is down in the middle."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.mesh.ports import free_ports
from services.cli.mesh.programs import MODEL_SERVICES, MeshPlace, Program, mesh_programs
from services.cli.mesh.state import MeshState
from services.cli.mesh.supervisor import Supervisor
from services.common.artifacts import ArtifactSettings, S3Settings, open_store
from services.common.pictures import decode
from tests.fakes.artists import Artist, png, sign_up
from tests.fakes.families import build_random_family
from tests.fakes.pose_families import build_pose_family
from tests.fakes.postgres import Postgres
from tests.fakes.seaweedfs import SeaweedFS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]  # seven processes, a training
ROOT = Path(__file__).parents[2]
OUTAGE_SECONDS = 10


def on_servers(program: Program, bucket: S3Settings, databases: dict[str, str]) -> Program:
    """The program with its artifacts in the bucket and its rows in PostgreSQL, as it is deployed."""
    owner = "style-train" if program.name.startswith("style-train") else program.name.removesuffix("-worker")
    prefix = f"OMA_{owner.upper().replace('-', '_')}_"
    settings = {
        "ARTIFACTS__S3__ENDPOINT": bucket.endpoint,
        "ARTIFACTS__S3__BUCKET": bucket.bucket,
        "ARTIFACTS__S3__ACCESS_KEY": bucket.access_key.get_secret_value(),
        "ARTIFACTS__S3__SECRET_KEY": bucket.secret_key.get_secret_value(),
        "ARTIFACTS__S3__SECURE": "false",
        **({"DATABASE_URL": databases[owner]} if owner in databases else {}),
    }
    return replace(
        program, environment={**program.environment, **{prefix + name: value for name, value in settings.items()}}
    )


@pytest.fixture
def bucket(seaweedfs: SeaweedFS) -> S3Settings:
    return seaweedfs.new_bucket()


@pytest.fixture
async def url(tmp_path: Path, bucket: S3Settings, postgres: Postgres) -> AsyncIterator[str]:
    family = tmp_path / "family"
    build_pose_family(family)
    build_random_family(family)
    http_port, *ports = free_ports(1 + len(MODEL_SERVICES))
    place = MeshPlace(
        root=ROOT,
        data_folder=tmp_path / "mesh",
        http_port=http_port,
        ports=dict(zip(MODEL_SERVICES, ports, strict=True)),
        family=family,
    )
    place.data_folder.mkdir()
    databases = {name: postgres.new_database() for name in ("gateway", "style-train")}
    programs = [on_servers(program, bucket, databases) for program in mesh_programs(place)]
    ready, stopping = asyncio.Event(), asyncio.Event()

    def look(state: MeshState) -> None:
        if state.ready:
            ready.set()

    address = f"http://127.0.0.1:{http_port}"
    supervisor = Supervisor(programs, root=ROOT, data_folder=place.data_folder, url=address, on_change=look)
    running = asyncio.create_task(supervisor.run(stopping))
    try:
        async with asyncio.timeout(600):
            await ready.wait()
        yield address
    finally:
        stopping.set()
        await running


async def ended(artist: Artist, job_id: str) -> dict[str, Any]:
    await artist.http.get(f"/api/v1/jobs/{job_id}/events")
    job: dict[str, Any] = await artist.call("GET", f"/jobs/{job_id}", 200)
    return job


async def begun(artist: Artist, job_id: str) -> None:
    """Once the first steps are done."""
    while not (await artist.call("GET", f"/jobs/{job_id}", 200))["steps_done"]:  # noqa: ASYNC110 (another process)
        await asyncio.sleep(0.2)


async def upload(artist: Artist, project: str) -> httpx.Response:
    return await artist.http.post(
        f"/api/v1/projects/{project}/pictures",
        files={"file": ("a.png", png(64, 64, "green"), "image/png")},
        headers={"X-CSRF-Token": artist.csrf},
    )


async def test_the_job_is_done_although_the_object_store_is_down_in_the_middle(
    url: str, seaweedfs: SeaweedFS, bucket: S3Settings, tmp_path: Path
) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=600) as http:
        artist = await sign_up(http, "artist@example.com")
        project = await artist.project()
        pictures = [(await artist.picture(project, png(64, 64, colour)))["id"] for colour in ("red", "blue")]
        body: dict[str, Any] = {"name": "ink", "picture_ids": pictures, "preset": "quick", "methods": ["lora"]}
        training = await artist.call("POST", f"/projects/{project}/trainings", 202, json=body)
        await begun(artist, training["id"])

        await asyncio.to_thread(seaweedfs.stop)
        drawing = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json={"prompt": "a beach"})
        refused = await upload(artist, project)
        assert (refused.status_code, refused.json()["error"]["reason"]) == (503, "ARTIFACTS_DOWN")
        assert "try again" in refused.json()["error"]["message"]
        await asyncio.sleep(OUTAGE_SECONDS)
        await asyncio.to_thread(seaweedfs.start)

        trained = await ended(artist, training["id"])
        assert trained["state"] == "succeeded", trained
        drawn = await ended(artist, drawing["id"])
        assert drawn["state"] == "succeeded", drawn
        shown = await http.get(drawn["results"][0]["url"])
        assert decode(shown.content).shape[2] == 3
        assert (await upload(artist, project)).status_code == 201

        estimate = {"picture_id": pictures[0], "whole_picture_if_nobody": True}
        pose = await artist.call("POST", f"/projects/{project}/poses/estimate", 201, json=estimate)
        asked = {"character_picture_id": pictures[1], "pose_id": pose["id"], "steps": 2}
        posed = await artist.call("POST", f"/projects/{project}/pose-transfers", 202, json=asked)
        posed = await ended(artist, posed["id"])
        assert posed["state"] == "succeeded", posed
        assert (await http.get(posed["results"][0]["url"])).status_code == 200
        styled = {"prompt": "a room", "styles": [{"style_id": trained["style_id"], "method": "lora"}]}
        job = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json=styled)
        assert (await ended(artist, job["id"]))["state"] == "succeeded"

    kept = list(open_store(ArtifactSettings(s3=bucket)).keys(f"{artist.id}/"))
    assert kept
    assert not (tmp_path / "mesh" / "artifacts").exists()
