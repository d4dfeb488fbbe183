"""The isolation matrix: every route with a request that would be right from its owner, and everybody it must not serve.

`problems` sends the requests of one intruder and says what went wrong; an empty list is the only good answer.
"""

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import sqlalchemy as sa
from sqlmodel import col

from services.common.artifacts import ArtifactStore
from services.gateway.app import create_api
from services.gateway.gateway import Gateway
from services.gateway.tables import SignIn, metadata, utc_now
from tests.fakes.artists import PASSWORD, Artist, png

Route = tuple[str, str]  # method and path below /api/v1
NOBODY = {"keypoints": [[0.0, 0.0, 0.0]] * 133}
OPENPOSE = json.dumps({"people": [{"pose_keypoints_2d": [5.0, 5.0, 0.9] * 18}]})
NOT_THERE = "0" * 32
SECRET_NAME = "moonlit-secret-42"  # in everything of the artist's that has a name
UNSAFE = ("post", "put", "patch", "delete")


@dataclass
class World:
    """An artist who has one of everything, and what their requests look like."""

    artist: Artist
    gateway: Gateway
    store: ArtifactStore
    ids: dict[str, str]
    token: str
    expired_cookie: str

    def request(self, route: Route, ids: Mapping[str, str] | None = None) -> dict[str, Any]:
        method, path = route
        filled = self.ids | dict(ids or {})
        return {"method": method, "url": f"/api/v1{path.format(**filled)}", **ROWS[route](self)}

    def everything(self) -> str:
        """All rows and files of the artist, as one text."""
        rows = []
        with self.gateway.engine.connect() as connection:
            for table in metadata.sorted_tables:
                owner = next((table.c[name] for name in ("account_id", "owner") if name in table.c), None)
                if table.name == "account":
                    owner = table.c.id
                if owner is None or table.name in ("daily_use", "letter"):
                    continue
                query = sa.select(table).where(owner == self.artist.id).order_by(*table.primary_key)
                rows.append([table.name, [tuple(row) for row in connection.execute(query)]])
        return json.dumps([rows, list(self.store.keys(f"{self.artist.id}/"))], default=str)

    def secrets(self) -> list[str]:
        """What nobody else may ever be told."""
        return [SECRET_NAME, self.artist.id, self.artist.csrf, *self.ids.values()]


def _nothing(_world: World) -> dict[str, Any]:
    return {}


def _json(make: Callable[[World], dict[str, Any]]) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"json": make(world)}


def _name(_world: World) -> dict[str, Any]:
    return {"name": "x"}


ROWS: dict[Route, Callable[[World], dict[str, Any]]] = {
    ("get", "/account"): _nothing,
    ("patch", "/account"): _json(_name),
    ("put", "/account/password"): _json(lambda w: {"password": PASSWORD, "new_password": PASSWORD[::-1]}),
    ("get", "/account/usage"): _nothing,
    ("get", "/session"): _nothing,
    ("get", "/sessions"): _nothing,
    ("delete", "/sessions"): _nothing,
    ("delete", "/sessions/{session_id}"): _nothing,
    ("get", "/tokens"): _nothing,
    ("delete", "/tokens/{token_id}"): _nothing,
    ("post", "/email-verifications"): _nothing,
    ("post", "/projects"): _json(_name),
    ("get", "/projects"): _nothing,
    ("get", "/projects/{project_id}"): _nothing,
    ("patch", "/projects/{project_id}"): _json(_name),
    ("post", "/projects/{project_id}/pictures"): lambda w: {"files": {"file": ("x.png", png(), "image/png")}},
    ("get", "/projects/{project_id}/pictures"): _nothing,
    ("get", "/pictures/{picture_id}"): _nothing,
    ("post", "/projects/{project_id}/trainings"): _json(lambda w: {"name": "x", "picture_ids": [w.ids["picture_id"]]}),
    ("post", "/projects/{project_id}/trainings/check"): _json(lambda w: {"picture_ids": [w.ids["picture_id"]]}),
    ("get", "/projects/{project_id}/styles"): _nothing,
    ("get", "/styles/{style_id}"): _nothing,
    ("post", "/projects/{project_id}/styles/import"): lambda w: {
        "data": {"name": "x"},
        "files": {"file": ("x.safetensors", b"style", "application/octet-stream")},
    },
    ("get", "/styles/{style_id}/export"): lambda w: {"params": {"method": "lora"}},
    ("post", "/projects/{project_id}/backgrounds"): _json(lambda w: {"prompt": "x"}),
    ("post", "/projects/{project_id}/backgrounds/batch"): _json(lambda w: {"picture_ids": [w.ids["picture_id"]]}),
    ("post", "/prompts/translate"): _json(lambda w: {"prompt": "x"}),
    ("post", "/projects/{project_id}/poses/estimate"): _json(lambda w: {"picture_id": w.ids["picture_id"]}),
    ("post", "/projects/{project_id}/poses"): _json(lambda w: {"width": 64, "height": 64, "people": [NOBODY]}),
    ("post", "/projects/{project_id}/poses/import"): _json(lambda w: {"width": 64, "height": 64, "content": OPENPOSE}),
    ("get", "/projects/{project_id}/poses"): _nothing,
    ("get", "/poses/{pose_id}"): _nothing,
    ("get", "/poses/{pose_id}/skeleton"): lambda w: {"params": {"format": "svg"}},
    ("put", "/poses/{pose_id}"): _json(lambda w: {"people": [NOBODY]}),
    ("post", "/projects/{project_id}/pose-transfers"): _json(
        lambda w: {"character_picture_id": w.ids["picture_id"], "pose_id": w.ids["pose_id"]}
    ),
    ("get", "/jobs"): _nothing,
    ("get", "/jobs/{job_id}"): _nothing,
    ("get", "/jobs/{job_id}/events"): _nothing,
    ("post", "/jobs/{job_id}/cancel"): _nothing,
    ("post", "/jobs/{job_id}/retry"): _nothing,
    ("post", "/projects/{project_id}/assets"): _json(lambda w: {"name": "x", "result_ids": [w.ids["result_id"]]}),
    ("get", "/projects/{project_id}/assets"): _nothing,
    ("get", "/projects/{project_id}/assets.zip"): _nothing,
    ("get", "/projects/{project_id}/folders"): _nothing,
    ("get", "/assets/{asset_id}"): _nothing,
    ("get", "/assets/{asset_id}/webtoon"): lambda w: {"params": {"width": 690}},
    ("get", "/results/{result_id}/webtoon"): lambda w: {"params": {"width": 690}},
    ("get", "/results/{result_id}/layers.psd"): _nothing,
    ("get", "/results/{result_id}/reading"): _nothing,
    ("patch", "/assets/{asset_id}"): _json(_name),
    ("post", "/assets/{asset_id}/restore"): _nothing,
    ("get", "/trash"): _nothing,
    ("get", "/projects/{project_id}/results"): _nothing,
    ("patch", "/styles/{style_id}"): _json(_name),
    ("get", "/styles/{style_id}/versions"): _nothing,
    ("post", "/styles/{style_id}/use"): _nothing,
    ("post", "/account/exports"): _nothing,
    ("get", "/account/exports"): _nothing,
    ("get", "/account/exports/{export_id}"): _nothing,
    # What takes something away comes last, the largest at the end, so that all can be asked in one go.
    ("delete", "/assets/{asset_id}"): _nothing,
    ("delete", "/trash/{asset_id}"): _nothing,
    ("delete", "/trash"): _nothing,
    ("delete", "/results/{result_id}"): _nothing,
    ("delete", "/poses/{pose_id}"): _nothing,
    ("delete", "/styles/{style_id}"): _nothing,
    ("delete", "/pictures/{picture_id}"): _nothing,
    ("delete", "/projects/{project_id}"): _nothing,
    ("delete", "/session"): _nothing,
    ("post", "/account/deletion"): _json(lambda w: {"password": PASSWORD}),
}
OPEN: dict[Route, str] = {
    ("post", "/accounts"): "how one comes in",
    ("post", "/session"): "how one comes in",
    ("post", "/tokens"): "takes the password itself",
    ("post", "/password-resets"): "for who cannot come in",
    ("post", "/password-resets/confirm"): "takes a letter's secret",
    ("post", "/email-verifications/confirm"): "takes a letter's secret",
    ("get", "/status"): "anybody may know",
    ("get", "/receipts/{receipt_id}"): "whoever knows the id may, and it names nobody",
    ("get", "/files/{token}"): "the link carries its own right",
}
WITH_IDS = [route for route in ROWS if "{" in route[1]]


def documented_routes() -> set[Route]:
    paths = create_api(None).openapi()["paths"]
    return {(method, path.removeprefix("/api/v1")) for path, methods in paths.items() for method in methods}


async def build_world(
    artist: Artist, gateway: Gateway, store: ArtifactStore, open_browser: Callable[[], httpx.AsyncClient]
) -> World:
    """Needs a running worker."""
    project = await artist.project(SECRET_NAME)
    picture = await artist.picture(project)
    training = {"name": SECRET_NAME, "picture_ids": [picture["id"]], "preset": "quick"}
    posted = await artist.call("POST", f"/projects/{project}/trainings", 202, json=training)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    style = (await artist.call("GET", f"/projects/{project}/styles", 200))["items"][0]
    drawing = {"prompt": SECRET_NAME, "styles": [{"style_id": style["id"], "method": "lora"}]}
    drawn = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json=drawing)
    await artist.http.get(f"/api/v1/jobs/{drawn['id']}/events")
    result = (await artist.call("GET", f"/jobs/{drawn['id']}", 200))["results"][0]
    kept = {"name": SECRET_NAME, "result_ids": [result["id"]]}
    asset = await artist.call("POST", f"/projects/{project}/assets", 201, json=kept)
    credentials = {"email": "artist@example.com", "password": PASSWORD}
    token = await artist.call("POST", "/tokens", 201, json=credentials | {"label": SECRET_NAME})
    ids = {
        "project_id": project,
        "picture_id": picture["id"],
        "style_id": style["id"],
        "pose_id": (await artist.pose(project))["id"],
        "job_id": drawn["id"],
        "asset_id": asset["id"],
        "result_id": result["id"],
        "token_id": token["id"],
        "export_id": (await artist.call("POST", "/account/exports", 202))["id"],
    }
    await packed(artist, ids["export_id"])
    expired = await _expired_session(gateway, open_browser, credentials)
    sessions = (await artist.call("GET", "/sessions", 200))["items"]
    ids["session_id"] = next(one["id"] for one in sessions if one["current"])
    return World(artist=artist, gateway=gateway, store=store, ids=ids, token=token["token"], expired_cookie=expired)


async def packed(artist: Artist, export_id: str) -> dict[str, Any]:
    """The export, when it is packed."""
    async with asyncio.timeout(60):
        while True:
            export: dict[str, Any] = await artist.call("GET", f"/account/exports/{export_id}", 200)
            if export["state"] == "succeeded":
                return export
            await asyncio.sleep(0.05)


async def _expired_session(
    gateway: Gateway, open_browser: Callable[[], httpx.AsyncClient], credentials: dict[str, str]
) -> str:
    old = open_browser()
    assert (await old.post("/api/v1/session", json=credentials, headers={"User-Agent": "old"})).status_code == 200
    with gateway.db() as db:
        past = sa.update(SignIn).where(col(SignIn.user_agent) == "old")
        db.connection().execute(past.values(expires_at=utc_now() - dt.timedelta(seconds=1)))
        db.commit()
    return next(iter(old.cookies.values()))


Send = Callable[[dict[str, Any]], Awaitable[httpx.Response]]


@dataclass
class Intruder:
    """Somebody who must not get through; `expected` is the only answer they may get."""

    name: str
    send: Send
    expected: int
    routes: list[Route] = field(default_factory=lambda: list(ROWS))


async def problems(world: World, intruder: Intruder, routes: list[Route] | None = None) -> list[str]:
    """What an intruder was told, or changed, that they should not have been able to."""
    found = []
    for route in routes if routes is not None else intruder.routes:
        before = world.everything()
        answer = await intruder.send(world.request(route))
        what = f"{intruder.name}: {route[0]} {route[1]}"
        if answer.status_code != intruder.expected:
            found.append(f"{what}: answered {answer.status_code}")
        if told := [secret for secret in world.secrets() if secret in answer.text]:
            found.append(f"{what}: was told {told}")
        if world.everything() != before:
            found.append(f"{what}: changed something")
    return found
