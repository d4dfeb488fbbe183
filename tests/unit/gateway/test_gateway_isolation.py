"""Nobody sees or changes what is another's: every route, as a stranger and as nobody.

The routes come from the OpenAPI document, so that a new one is tested the day it is added.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from services.common.artifacts import FolderStore
from services.gateway.app import create_api
from services.gateway.gateway import Gateway
from services.gateway.tables import metadata
from services.gateway.worker.dispatch import Dispatcher
from tests.fakes.artists import Artist, png

OPEN = {  # need no account: how one comes in, what anybody may know, and links that carry their own right
    ("post", "/api/v1/accounts"),
    ("post", "/api/v1/session"),
    ("post", "/api/v1/tokens"),
    ("get", "/api/v1/status"),
    ("get", "/api/v1/files/{token}"),
}
DOCUMENT = create_api(None).openapi()
ROUTES = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
CLOSED = [route for route in ROUTES if route not in OPEN]
WITH_IDS = [route for route in CLOSED if "{" in route[1]]
NOBODY = {"keypoints": [[0.0, 0.0, 0.0]] * 133}


@dataclass
class Work:
    """One of everything that an artist can have."""

    ids: dict[str, str]
    picture_id: str

    def path(self, path: str) -> str:
        return path.format(**self.ids)

    def body(self, method: str, path: str) -> dict[str, Any]:
        """A request that would be right, were it the owner's own."""
        bodies: dict[str, dict[str, Any]] = {
            "/pictures": {"files": {"file": ("x.png", png(), "image/png")}},
            "/trainings": {"json": {"name": "x", "picture_ids": [self.picture_id]}},
            "/backgrounds": {"json": {"prompt": "x"}},
            "/poses/estimate": {"json": {"picture_id": self.picture_id}},
            "/poses": {"json": {"width": 64, "height": 64, "people": [NOBODY]}},
            "/pose-transfers": {"json": {"character_picture_id": self.picture_id, "pose_id": self.ids["pose_id"]}},
            "/assets": {"json": {"name": "x", "result_ids": [self.ids["result_id"]]}},
            "/translate": {"json": {"prompt": "x"}},
            "/projects": {"json": {"name": "x"}},
            "/projects/{project_id}": {"json": {"name": "x"}},
            "/poses/{pose_id}": {"json": {"people": [NOBODY]}},
            "/export": {"params": {"method": "lora"}},
        }
        matching = [ending for ending in bodies if path.endswith(ending)]
        return bodies[max(matching, key=len)] if method != "delete" and matching else {}


@pytest.fixture
async def work(artist: Artist, worker: Dispatcher) -> Work:
    project = await artist.project()
    picture = await artist.picture(project)
    training = {"name": "잉크", "picture_ids": [picture["id"]], "preset": "quick"}
    posted = await artist.call("POST", f"/projects/{project}/trainings", 202, json=training)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    style = (await artist.call("GET", f"/projects/{project}/styles", 200))["items"][0]
    drawn = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json={"prompt": "노을"})
    await artist.http.get(f"/api/v1/jobs/{drawn['id']}/events")
    result = (await artist.call("GET", f"/jobs/{drawn['id']}", 200))["results"][0]
    body = {"name": "거리", "result_ids": [result["id"]]}
    asset = await artist.call("POST", f"/projects/{project}/assets", 201, json=body)
    ids = {
        "project_id": project,
        "picture_id": picture["id"],
        "style_id": style["id"],
        "pose_id": (await artist.pose(project))["id"],
        "job_id": drawn["id"],
        "asset_id": asset["id"],
        "result_id": result["id"],
    }
    return Work(ids=ids, picture_id=picture["id"])


def everything(gateway: Gateway, store: FolderStore) -> str:
    """All rows and all files, but for sessions, as one text."""
    tables = ("account", "project", "picture", "style", "pose", "job_request", "job", "result", "asset", "asset_file")
    with gateway.engine.connect() as connection:
        rows = [
            [tuple(row) for row in connection.execute(sa.select(metadata.tables[name]).order_by("id"))]
            for name in tables
        ]
    return json.dumps([rows, list(store.keys(""))], default=str)


def test_every_route_is_looked_at() -> None:
    assert len(WITH_IDS) >= 25
    assert set(ROUTES) >= OPEN


async def test_a_strangers_ids_are_answered_as_ids_that_do_not_exist(
    artist: Artist, stranger: Artist, work: Work, gateway: Gateway, store: FolderStore
) -> None:
    before = everything(gateway, store)
    for method, path in WITH_IDS:
        answers = []
        for ids in (work.ids, dict.fromkeys(work.ids, "0" * 32)):
            request = work.body(method, path)
            url, headers = path.format(**ids), {"X-CSRF-Token": stranger.csrf}
            answers.append(await stranger.http.request(method, url, headers=headers, **request))
        said = [(answer.status_code, answer.json()["error"]["message"]) for answer in answers]
        assert said[0] == said[1], f"{method} {path} tells a stranger's id from one that does not exist"
        assert said[0][0] == 404, f"{method} {path}: {answers[0].text}"
    assert everything(gateway, store) == before


async def test_a_strangers_things_do_not_work_inside_ones_own_project(
    artist: Artist, stranger: Artist, work: Work
) -> None:
    own = await stranger.project()
    picture = await stranger.picture(own)
    refused = [
        ("trainings", {"name": "x", "picture_ids": [picture["id"], work.picture_id]}),
        ("backgrounds", {"prompt": "x", "picture_id": work.picture_id}),
        ("backgrounds", {"prompt": "x", "styles": [{"style_id": work.ids["style_id"], "method": "lora"}]}),
        ("poses/estimate", {"picture_id": work.picture_id}),
        ("poses", {"width": 64, "height": 64, "people": [NOBODY], "picture_id": work.picture_id}),
        ("pose-transfers", {"character_picture_id": picture["id"], "pose_id": work.ids["pose_id"]}),
        ("assets", {"name": "x", "result_ids": [work.ids["result_id"]]}),
    ]
    for path, body in refused:
        await stranger.call("POST", f"/projects/{own}/{path}", 404, json=body)


async def test_lists_show_ones_own_only(artist: Artist, stranger: Artist, work: Work) -> None:
    for path in ("/projects", "/jobs", f"/jobs?project_id={work.ids['project_id']}"):
        assert (await stranger.call("GET", path, 200))["items"] == []


async def test_without_an_account_nothing_is_read_or_written(
    browser: Callable[[], httpx.AsyncClient], work: Work, gateway: Gateway, store: FolderStore
) -> None:
    before = everything(gateway, store)
    for method, path in CLOSED:
        request = work.body(method, path)
        answer = await browser().request(method, work.path(path), **request)
        assert answer.status_code == 401, f"{method} {path}: {answer.text}"
    assert everything(gateway, store) == before


async def test_the_owner_gets_through_with_the_same_requests(artist: Artist, work: Work) -> None:
    """The matrix above is not blind: these requests are refused for who asks, not for what they say."""
    deletions_last = sorted(WITH_IDS, key=lambda route: (route[0] == "delete", "project_id" in route[1]))
    for method, path in deletions_last:
        request, headers = work.body(method, path), {"X-CSRF-Token": artist.csrf}
        answer = await artist.http.request(method, work.path(path), headers=headers, **request)
        expected = (409,) if path.endswith("/retry") else (200, 201, 202, 204)
        assert answer.status_code in expected, f"{method} {path}: {answer.text}"
