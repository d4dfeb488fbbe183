"""What an artist finds on a gateway that runs on what was restored."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from services.admin.check import check_mesh
from services.admin.places import Whereabouts, open_places
from services.admin.restore import restore
from services.common.artifacts import delete_prefix
from services.gateway.app import create_api
from services.gateway.edge import Edge
from services.gateway.gateway import Gateway
from services.gateway.stored import FILE_TABLES
from services.gateway.tables import metadata
from tests.fakes.artists import PASSWORD
from tests.fakes.isolation import World


def quiet(_said: str) -> None:
    """Nobody looks on."""


def bring_back(path: Path, target: dict[str, Whereabouts]) -> dict[str, str]:
    """Restore; returns what is wrong afterwards."""
    with open_places(target, new=True) as places:
        problems = restore(path, places, tell=quiet).problems
        return problems | check_mesh(places).problems


@asynccontextmanager
async def served(source: Gateway, where: Whereabouts) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway on what was restored."""
    with open_places({"gateway": where}) as places:
        place = places[0]
        app = create_api(None)
        app.state.gateway = replace(source, engine=place.engine, queue=place.queue, store=place.store)
        transport = httpx.ASGITransport(Edge(app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
            yield http


def links(told: Any) -> list[str]:
    """Every link to a file in an answer."""
    if isinstance(told, str):
        return [told] if told.startswith("/api/v1/files/") else []
    values = told.values() if isinstance(told, dict) else told if isinstance(told, list) else []
    return [link for value in values for link in links(value)]


def stored(gateway: Gateway) -> set[str]:
    """The hash of every picture that the database knows."""
    found: set[str] = set()
    with gateway.engine.connect() as connection:
        for name in FILE_TABLES:
            found |= set(connection.execute(sa.select(metadata.tables[name].c.sha256)).scalars())
    return found


async def everything(http: httpx.AsyncClient, world: World) -> dict[str, str]:
    """What the artist sees: every record, and the hash of every file that a record leads to."""
    program = {"Authorization": f"Bearer {world.token}"}
    project = world.ids["project_id"]
    seen: dict[str, str] = {}
    for path in ("pictures", "styles", "poses", "assets", "results"):
        page = (await http.get(f"/api/v1/projects/{project}/{path}", headers=program)).raise_for_status().json()
        assert page["items"], path
        for item in page["items"]:
            found = links(item)
            for number, link in enumerate(found):
                content = (await http.get(link)).raise_for_status().content
                seen[f"{path}/{item['id']}/{number}"] = hashlib.sha256(content).hexdigest()
    assert stored(world.gateway) <= set(seen.values())
    exported = await http.get(f"/api/v1/styles/{world.ids['style_id']}/export?method=lora", headers=program)
    seen["style"] = hashlib.sha256(exported.raise_for_status().content).hexdigest()
    archive = await http.get(f"/api/v1/projects/{project}/assets.zip", headers=program)
    assert archive.status_code == 200
    return seen


async def check_served_after_restore(world: World, backup: Path, target: dict[str, Whereabouts]) -> None:
    before = await everything(world.artist.http, world)
    delete_prefix(world.store, f"{world.artist.id}/")
    assert bring_back(backup, target) == {}
    async with served(world.gateway, target["gateway"]) as http:
        assert await everything(http, world) == before
        credentials = {"email": "artist@example.com", "password": PASSWORD}
        assert (await http.post("/api/v1/session", json=credentials)).status_code == 200
        after = (await http.get(f"/api/v1/jobs/{world.ids['job_id']}")).raise_for_status().json()
    assert after == await world.artist.call("GET", f"/jobs/{world.ids['job_id']}", 200) | {"results": after["results"]}
