"""Pictures from upload to deletion."""

import io

import httpx
import pytest
from PIL import Image

from services.common.artifacts import FolderStore
from services.common.pictures import MAX_UPLOAD_BYTES
from services.gateway.gateway import Gateway
from services.gateway.tables import Picture
from tests.fakes.artists import Artist, png


async def test_an_uploaded_picture_is_shown_by_a_link_that_needs_no_cookie(artist: Artist) -> None:
    project = await artist.project()
    made = await artist.picture(project)
    assert made["project_id"] == project
    assert (made["filename"], made["width"], made["height"], made["media_type"]) == ("그림.png", 40, 30, "image/png")
    artist.http.cookies.clear()
    shown = await artist.http.get(made["url"])
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["cache-control"].startswith("private")
    assert len(shown.content) == made["size_bytes"]
    assert Image.open(io.BytesIO(shown.content)).size == (40, 30)


async def test_a_photograph_is_turned_upright_and_forgets_where_it_was_taken(artist: Artist) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "a secret place"
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "JPEG", exif=exif)
    made = await artist.picture(await artist.project(), buffer.getvalue())
    assert (made["width"], made["height"]) == (30, 40)
    shown = await artist.http.get(made["url"])
    assert b"secret place" not in shown.content


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "PICTURE_EMPTY"), (b"<svg onload='alert(1)'>", "NOT_A_PICTURE"), (png()[:60], "PICTURE_DAMAGED")],
)
async def test_what_is_no_picture_is_refused_with_a_reason(artist: Artist, content: bytes, reason: str) -> None:
    project = await artist.project()
    files = {"file": ("x.png", content, "image/png")}
    refused = await artist.call("POST", f"/projects/{project}/pictures", 400, files=files)
    assert refused["error"]["reason"] == reason
    assert (await artist.call("GET", f"/projects/{project}/pictures", 200))["items"] == []


async def test_a_file_past_the_limit_is_refused_with_413(artist: Artist, store: FolderStore) -> None:
    project = await artist.project()
    for size in (MAX_UPLOAD_BYTES + 1, MAX_UPLOAD_BYTES + 200_000):
        files = {"file": ("x.png", bytes(size), "image/png")}
        refused = await artist.call("POST", f"/projects/{project}/pictures", 413, files=files)
        assert "request_id" in refused["error"]
    assert list(store.keys("")) == []


async def test_a_file_name_is_a_label_and_never_a_path(artist: Artist, store: FolderStore) -> None:
    project = await artist.project()
    files = {"file": ("../../../../escape.png", png(), "image/png")}
    made = await artist.call("POST", f"/projects/{project}/pictures", 201, files=files)
    assert made["filename"].endswith("escape.png")
    assert all(made["id"] in key for key in store.keys(""))


async def test_pictures_are_listed_newest_first_in_pages(artist: Artist) -> None:
    project = await artist.project()
    made = [(await artist.picture(project))["id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        found = await artist.call("GET", f"/projects/{project}/pictures", 200, params=params)
        assert len(found["items"]) <= 2
        seen += [item["id"] for item in found["items"]]
        cursor = found["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


@pytest.mark.parametrize("cursor", ["x", "한글", "bm90IGEgY3Vyc29y", "////"])
async def test_a_made_up_cursor_is_refused(artist: Artist, cursor: str) -> None:
    refused = await artist.call("GET", "/projects", 400, params={"cursor": cursor})
    assert refused["error"]["reason"] == "CURSOR"


async def test_a_deleted_picture_leaves_no_file_and_a_dead_link(
    artist: Artist, store: FolderStore, gateway: Gateway
) -> None:
    project = await artist.project()
    made = await artist.picture(project)
    await artist.call("DELETE", f"/pictures/{made['id']}", 204)
    await artist.call("GET", f"/pictures/{made['id']}", 404)
    assert list(store.keys("")) == []
    assert (await artist.http.get(made["url"])).status_code == 404
    with gateway.db() as db:
        assert db.get(Picture, made["id"]) is None


async def test_a_pose_outlives_the_picture_it_was_found_in(artist: Artist) -> None:
    project = await artist.project()
    picture = await artist.picture(project)
    body = {"picture_id": picture["id"]}
    pose = await artist.call("POST", f"/projects/{project}/poses/estimate", 201, json=body)
    await artist.call("DELETE", f"/pictures/{picture['id']}", 204)
    kept = await artist.call("GET", f"/poses/{pose['id']}", 200)
    assert kept["picture_id"] is None
    assert kept["people"] == pose["people"]


async def test_a_stored_file_is_never_taken_for_a_page(artist: Artist) -> None:
    made = await artist.picture(await artist.project())
    shown: httpx.Response = await artist.http.get(made["url"])
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
