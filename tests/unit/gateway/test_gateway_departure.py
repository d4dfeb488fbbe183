"""Taking everything along, and leaving nothing behind."""

import asyncio
import datetime as dt
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from services.common.artifacts import FolderStore
from services.gateway.gateway import Gateway
from services.gateway.tables import Asset, MadeOnce, Rate, SignIn, jobs, metadata, utc_now
from services.gateway.worker.departure import overwrite
from services.gateway.worker.dispatch import Dispatcher
from services.gateway.worker.housekeeping import Housekeeping
from tests.fakes.artists import PASSWORD, Artist
from tests.fakes.isolation import SECRET_NAME, World, build_world, packed
from tests.fakes.model_services import FakeServices

OpenBrowser = Callable[[], httpx.AsyncClient]


@pytest.fixture
async def world(
    artist: Artist, gateway: Gateway, store: FolderStore, worker: Dispatcher, browser: OpenBrowser
) -> World:
    return await build_world(artist, gateway, store, browser)


async def ended(open_browser: OpenBrowser, receipt_id: str) -> dict[str, Any]:
    """The receipt, when everything is deleted."""
    async with asyncio.timeout(60):
        while True:
            answer = await open_browser().get(f"/api/v1/receipts/{receipt_id}")
            assert answer.status_code == 200, answer.text
            receipt: dict[str, Any] = answer.json()
            if receipt["ended_at"] is not None:
                return receipt
            await asyncio.sleep(0.05)


def traces(folder: Path, needles: list[bytes]) -> list[str]:
    """Where anything of somebody is found on disk: names of files and folders, and every byte of every file."""
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        content = path.read_bytes() if path.is_file() else b""
        digest = hashlib.sha256(content).hexdigest().encode() if content else b""
        found += [
            f"{needle.decode()} in {relative}"
            for needle in needles
            if needle in relative.encode() or needle in content or needle == digest
        ]
    return found


def needles(world: World) -> list[bytes]:
    """What could tell of the artist: ids, e-mail, names, and the hashes of every file."""
    hashes = [hashlib.sha256(world.store.get(key)).hexdigest() for key in world.store.keys(f"{world.artist.id}/")]
    assert len(hashes) >= 8
    return [
        text.encode() for text in ("artist@example.com", SECRET_NAME, world.artist.id, *world.ids.values(), *hashes)
    ]


async def test_an_export_holds_every_row_and_file_and_no_secret(world: World) -> None:
    export = await packed(world.artist, world.ids["export_id"])
    content = (await world.artist.http.get(export["url"])).content
    assert len(content) == export["size_bytes"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        rows = {
            name: [json.loads(line) for line in archive.read(name).splitlines()]
            for name in names
            if name.startswith("data/")
        }
        files = {name.removeprefix("files/") for name in names if name.startswith("files/")}
    own = {key.removeprefix(f"{world.artist.id}/") for key in world.store.keys(f"{world.artist.id}/")}
    assert files == {key for key in own if "/exports/" not in key}
    assert rows["data/project.jsonl"][0]["name"] == SECRET_NAME
    assert rows["data/account.jsonl"][0]["email"] == "artist@example.com"
    assert not {"password_hash", "token_sha256"} & {key for table in rows.values() for row in table for key in row}


async def test_an_export_holds_nothing_of_anybody_else(world: World, stranger: Artist) -> None:
    made = await stranger.call("POST", "/account/exports", 202)
    export = await packed(stranger, made["id"])
    with zipfile.ZipFile(io.BytesIO((await stranger.http.get(export["url"])).content)) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert not [needle for needle in needles(world) if needle in everything]


async def test_after_an_account_is_deleted_a_scan_finds_the_receipt_only(
    world: World, stranger: Artist, browser: OpenBrowser, services: FakeServices, tmp_path: Path
) -> None:
    sought = needles(world)
    await stranger.project("stays")
    assert {found.partition(" ")[0].encode() for found in traces(tmp_path, sought)} == set(sought)
    answer = await world.artist.call("POST", "/account/deletion", 202, json={"password": PASSWORD})
    receipt = await ended(browser, answer["receipt_id"])
    assert receipt["deleted"]["picture"] == 1
    assert receipt["deleted"]["training"] == 1
    assert receipt["deleted"]["file"] >= 8
    assert services.training.trainings == {}
    async with asyncio.timeout(30):  # the receipt is there a moment before the log is overwritten
        while any("gateway.db-wal" in found for found in traces(tmp_path, sought)):  # noqa: ASYNC110 (it is a file)
            await asyncio.sleep(0.05)
    assert traces(tmp_path, sought) == []
    with world.gateway.engine.connect() as connection:
        rows = {table.name: connection.execute(sa.select(table)).all() for table in metadata.sorted_tables}
    left = {name for name, found in rows.items() if any(world.artist.id in str(row) for row in found)}
    assert left == set()
    assert len(rows["receipt"]) == 1
    assert [project["name"] for project in (await stranger.call("GET", "/projects", 200))["items"]] == ["stays"]


async def test_nobody_comes_in_while_an_account_is_deleted(
    artist: Artist, browser: OpenBrowser, gateway: Gateway
) -> None:
    credentials = {"email": "artist@example.com", "password": PASSWORD}
    token = await artist.call("POST", "/tokens", 201, json=credentials | {"label": "x"})
    await artist.call("POST", "/account/deletion", 202, json={"password": PASSWORD})
    program = {"Authorization": f"Bearer {token['token']}"}
    assert (await browser().get("/api/v1/projects", headers=program)).status_code == 401
    assert (await browser().post("/api/v1/session", json=credentials)).status_code == 401
    await artist.call("GET", "/session", 401)


async def test_an_account_is_deleted_with_its_password_only(artist: Artist, gateway: Gateway) -> None:
    said = await artist.call("POST", "/account/deletion", 401, json={"password": "not the password"})
    assert said["error"]["reason"] == "WRONG_PASSWORD"
    await artist.call("GET", "/session", 200)


async def test_a_deletion_waits_for_a_service_that_is_down(
    artist: Artist, browser: OpenBrowser, services: FakeServices, worker: Dispatcher
) -> None:
    await services.stop()
    answer = await artist.call("POST", "/account/deletion", 202, json={"password": PASSWORD})
    pending = await browser().get(f"/api/v1/receipts/{answer['receipt_id']}")
    assert pending.json()["ended_at"] is None
    await services.start()
    await ended(browser, answer["receipt_id"])


async def test_time_removes_what_nobody_can_use_any_more(
    world: World, artist: Artist, gateway: Gateway, store: FolderStore
) -> None:
    asset = world.ids["asset_id"]
    await artist.call("DELETE", f"/assets/{asset}", 204)
    await artist.call("POST", "/projects", 201, headers={"Idempotency-Key": "x"}, json={"name": "x"})
    housekeeping = Housekeeping(engine=gateway.engine, queue=gateway.queue, store=store)
    housekeeping.sweep(utc_now() + dt.timedelta(hours=12))
    assert (await artist.call("GET", f"/assets/{asset}", 200))["deleted_at"] is not None
    await packed(artist, world.ids["export_id"])
    housekeeping.sweep(utc_now() + dt.timedelta(days=31))
    with gateway.engine.connect() as connection:
        for table in (Asset, MadeOnce, SignIn, Rate):
            assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0
        assert connection.execute(sa.select(jobs.c.id).where(jobs.c.kind == "export")).all() == []
    assert not [key for key in store.keys(f"{artist.id}/") if "/assets/" in key or "/exports/" in key]


def test_overwriting_the_log_leaves_the_database_as_it_is(gateway: Gateway) -> None:
    overwrite(gateway.engine)
    with gateway.engine.connect() as connection:
        assert connection.execute(sa.select(jobs.c.id)).all() == []
