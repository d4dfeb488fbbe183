"""Idempotency keys: a post that is sent again makes nothing new."""

import asyncio
from typing import Any

import pytest

from services.common.artifacts import FolderStore
from services.gateway.worker.dispatch import Dispatcher
from tests.fakes.artists import Artist, png
from tests.unit.gateway.test_gateway_assets import results

KEY = {"Idempotency-Key": "click-1"}
PERSON = {"keypoints": [[1.0, 2.0, 0.5]] * 133}


async def bodies(artist: Artist, project: str) -> dict[str, dict[str, Any]]:
    picture = (await artist.picture(project))["id"]
    return {
        "/projects": {"json": {"name": "x"}},
        f"/projects/{project}/pictures": {"files": {"file": ("x.png", png(), "image/png")}},
        f"/projects/{project}/poses": {"json": {"width": 64, "height": 64, "people": [PERSON]}},
        f"/projects/{project}/poses/estimate": {"json": {"picture_id": picture}},
        f"/projects/{project}/assets": {"json": {"name": "x", "result_ids": await results(artist, project, 1)}},
    }


async def test_the_same_post_with_the_same_key_gives_the_same_thing(
    artist: Artist, worker: Dispatcher, store: FolderStore
) -> None:
    project = await artist.project()
    for path, body in (await bodies(artist, project)).items():
        first = await artist.call("POST", path, 201, headers=KEY, **body)
        files = list(store.keys(f"{artist.id}/"))
        again = await artist.call("POST", path, 201, headers=KEY, **body)
        assert again["id"] == first["id"], path
        assert list(store.keys(f"{artist.id}/")) == files, path
        other = await artist.call("POST", path, 201, headers={"Idempotency-Key": "click-2"}, **body)
        assert other["id"] != first["id"], path


async def test_posts_at_the_same_time_make_one_thing(artist: Artist) -> None:
    project = await artist.project()
    files = {"file": ("x.png", png(), "image/png")}
    posts = [artist.call("POST", f"/projects/{project}/pictures", 201, headers=KEY, files=files) for _ in range(6)]
    assert len({picture["id"] for picture in await asyncio.gather(*posts)}) == 1
    assert len((await artist.call("GET", f"/projects/{project}/pictures", 200))["items"]) == 1


async def test_a_key_is_refused_for_another_request(artist: Artist) -> None:
    await artist.call("POST", "/projects", 201, headers=KEY, json={"name": "x"})
    refused = await artist.call("POST", "/projects", 409, headers=KEY, json={"name": "y"})
    assert refused["error"]["reason"] == "KEY_REUSED"


async def test_another_account_may_use_the_same_key(artist: Artist, stranger: Artist) -> None:
    made = [await who.call("POST", "/projects", 201, headers=KEY, json={"name": "x"}) for who in (artist, stranger)]
    assert made[0]["id"] != made[1]["id"]


@pytest.mark.parametrize("key", ["", "k" * 201])
async def test_a_key_has_a_length(artist: Artist, key: str) -> None:
    await artist.call("POST", "/projects", 422, headers={"Idempotency-Key": key}, json={"name": "x"})
