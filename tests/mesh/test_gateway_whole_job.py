"""The artist's whole job through the gateway and four real services, on a random family: every joint, no meaning."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.mesh.running import MeshOptions, start_mesh
from services.common.pictures import decode
from tests.fakes.artists import Artist, png, sign_up
from tests.fakes.families import build_random_family
from tests.fakes.pose_families import build_pose_family

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]  # seven processes, two trainings
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mesh")


@pytest.fixture(scope="module")
def url(data_folder: Path) -> Iterator[str]:
    family = data_folder / "family"
    build_pose_family(family)
    build_random_family(family)
    options = MeshOptions(root=ROOT, data_folder=data_folder, family=family, http_port=0)
    started = start_mesh(options, outlives_us=False)
    yield started.state.url
    started.stop(data_folder)


@pytest.fixture
async def artist(url: str) -> AsyncIterator[Artist]:
    async with httpx.AsyncClient(base_url=url, timeout=600) as http:
        yield await sign_up(http, "artist@example.com")


async def done(artist: Artist, project: str, path: str, **body: Any) -> dict[str, Any]:
    """The job once it has succeeded."""
    posted = await artist.call("POST", f"/projects/{project}/{path}", 202, json=body)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    job: dict[str, Any] = await artist.call("GET", f"/jobs/{posted['id']}", 200)
    assert job["state"] == "succeeded", job
    assert job["steps_done"] == job["steps_total"] > 0
    return job


async def test_the_whole_job_from_sign_up_to_deletion(artist: Artist, data_folder: Path) -> None:
    project = await artist.project()
    pictures = [(await artist.picture(project, png(64, 64, colour)))["id"] for colour in ("red", "blue")]

    training = await done(artist, project, "trainings", name="잉크", picture_ids=pictures, preset="quick")
    style = await artist.call("GET", f"/styles/{training['style_id']}", 200)
    assert [file["method"] for file in style["files"]] == ["lora", "dreamstyler"]
    exported = await artist.http.get(f"/api/v1/styles/{style['id']}/export?method=lora")
    assert len(exported.content) == style["files"][0]["size_bytes"]

    mixed = [{"style_id": style["id"], "method": method} for method in ("lora", "dreamstyler")]
    drawn = await done(artist, project, "backgrounds", prompt="노을", count=2, styles=mixed, seed=1)
    again = await done(artist, project, "backgrounds", prompt="노을", count=2, styles=mixed, seed=1)
    first, second = [await pixels(artist, job) for job in (drawn, again)]
    assert first == second
    await done(artist, project, "backgrounds", picture_id=pictures[0], strength=0.6)

    estimate = {"picture_id": pictures[0], "whole_picture_if_nobody": True}
    pose = await artist.call("POST", f"/projects/{project}/poses/estimate", 201, json=estimate)
    assert (await artist.http.get(pose["skeleton_url"])).status_code == 200
    moved = await artist.call("PUT", f"/poses/{pose['id']}", 200, json={"people": pose["people"][:1]})
    asked = {"character_picture_id": pictures[1], "pose_id": moved["id"], "steps": 2}
    redrawn = await done(artist, project, "pose-transfers", **asked)

    for name, job in (("골목", drawn), ("주인공", redrawn)):
        body = {"name": name, "result_ids": [result["id"] for result in job["results"]]}
        await artist.call("POST", f"/projects/{project}/assets", 201, json=body)
    assert (await artist.http.get(f"/api/v1/projects/{project}/assets.zip")).status_code == 200

    await artist.call("DELETE", f"/projects/{project}", 204)
    left = [path for path in data_folder.rglob("*") if artist.id in str(path) and path.is_file()]  # noqa: ASYNC240
    assert left == []


async def pixels(artist: Artist, job: dict[str, Any]) -> list[bytes]:
    pictures = [await artist.http.get(result["url"]) for result in job["results"]]
    return [decode(picture.content).tobytes() for picture in pictures]
