"""What can be asked of a drawing: its layers, and how near it is to the pages that its style was learned from."""

import io

import numpy as np
from psd_tools import PSDImage

from services.common.artifacts import FolderStore
from services.gateway.worker.dispatch import Dispatcher
from tests.fakes.artists import Artist
from tests.fakes.model_services import FakeServices


async def drawing(artist: Artist, project: str, **body: object) -> str:
    job = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json={"prompt": "노을", "seed": 7} | body)
    await artist.http.get(f"/api/v1/jobs/{job['id']}/events")
    return str((await artist.call("GET", f"/jobs/{job['id']}", 200))["results"][0]["id"])


async def learned(artist: Artist, project: str, picture_id: str) -> str:
    body = {"name": "잉크", "picture_ids": [picture_id]}
    job = await artist.call("POST", f"/projects/{project}/trainings", 202, json=body)
    await artist.http.get(f"/api/v1/jobs/{job['id']}/events")
    return str((await artist.call("GET", f"/projects/{project}/styles", 200))["items"][0]["id"])


async def test_a_drawing_comes_as_a_file_of_layers_with_its_photograph_hidden(
    artist: Artist, services: FakeServices, worker: Dispatcher, store: FolderStore
) -> None:
    project = await artist.project()
    photograph = (await artist.picture(project))["id"]
    before = await drawing(artist, project, picture_id=photograph)
    kept = set(store.keys(""))
    response = await artist.http.get(f"/api/v1/results/{before}/layers.psd")
    assert response.headers["content-type"] == "image/vnd.adobe.photoshop"
    assert response.headers["x-layers-left-out"] == "sky,line"  # the fake draws one flat colour
    assert "attachment" in response.headers["content-disposition"]
    found = [(layer.name, layer.visible) for layer in PSDImage.open(io.BytesIO(response.content))]
    assert found == [("원본 사진", False), ("색", True)]
    assert set(store.keys("")) == kept
    english = await artist.http.get(f"/api/v1/results/{before}/layers.psd", params={"language": "en"})
    document = PSDImage.open(io.BytesIO(english.content))
    assert [layer.name for layer in document] == ["Original picture", "Colour"]
    flat = document.composite(force=True)
    assert flat is not None
    assert np.unique(np.asarray(flat.convert("RGB"))).tolist() == [7]


async def test_a_drawing_is_read_against_the_pages_its_style_was_learned_from(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    project = await artist.project()
    page = (await artist.picture(project))["id"]
    style = await learned(artist, project, page)
    result = await drawing(artist, project, styles=[{"style_id": style, "method": "lora"}])
    reading = await artist.call("GET", f"/results/{result}/reading", 200)
    assert reading["pages"] == 1
    assert {one["kind"] for one in reading["aspects"]} == {"line", "palette", "texture", "sharpness"}
    assert reading["verdict"] in {"close", "near", "off"}
    await artist.call("DELETE", f"/pictures/{page}", 204)
    refused = await artist.call("GET", f"/results/{result}/reading", 409)
    assert refused["error"]["reason"] == "NO_PAGES"


async def test_a_drawing_in_no_learned_style_has_no_reading(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    result = await drawing(artist, await artist.project())
    refused = await artist.call("GET", f"/results/{result}/reading", 409)
    assert refused["error"]["reason"] == "NO_PAGES"
