"""Stars, search, filters, and thirty days in the trash."""

import datetime as dt
import unicodedata

import pytest
import sqlalchemy as sa

from services.common.artifacts import FolderStore
from services.gateway.gateway import Gateway
from services.gateway.tables import Asset, AssetFile, utc_now
from tests.fakes.artists import Artist, png


def put_asset(gateway: Gateway, artist: Artist, project: str, name: str, **values: object) -> str:
    """An asset with one picture, without the job that would have drawn it."""
    asset = Asset(account_id=artist.id, project_id=project, name=name, description="", kind="background")
    for column, value in values.items():
        setattr(asset, column, value)
    asset.describe_anew("")
    ref = gateway.store.put(f"{artist.id}/gateway/assets/{asset.id}/00.png", png(), "image/png")
    file = AssetFile(
        account_id=artist.id, project_id=project, asset_id=asset.id, index=0, key=ref.key, sha256=ref.sha256,
        size_bytes=ref.size_bytes, media_type="image/png", width=40, height=30, settings={},
    )  # fmt: skip
    with gateway.db() as db:
        db.add_all([asset, file])
        db.commit()
    return asset.id


async def names(artist: Artist, path: str, **params: object) -> list[str]:
    items = (await artist.call("GET", path, 200, params=params))["items"]
    return [item["name"] for item in items]


async def test_a_thrown_away_asset_is_in_the_trash_and_comes_back(artist: Artist, gateway: Gateway) -> None:
    project = await artist.project()
    asset = put_asset(gateway, artist, project, "골목")
    await artist.call("DELETE", f"/assets/{asset}", 204)
    assert await names(artist, f"/projects/{project}/assets") == []
    assert await names(artist, "/trash") == ["골목"]
    await artist.call("GET", f"/projects/{project}/assets.zip", 404)
    restored = await artist.call("POST", f"/assets/{asset}/restore", 200)
    assert restored["deleted_at"] is None
    assert (await artist.http.get(restored["files"][0]["url"])).status_code == 200
    assert await names(artist, f"/projects/{project}/assets") == ["골목"]
    assert await names(artist, "/trash") == []


async def test_an_emptied_trash_leaves_no_rows_and_no_files(
    artist: Artist, gateway: Gateway, store: FolderStore
) -> None:
    project, other = await artist.project(), await artist.project()
    kept = put_asset(gateway, artist, project, "kept")
    for number in range(3):
        put_asset(gateway, artist, project, f"gone {number}", deleted_at=utc_now())
    put_asset(gateway, artist, other, "of another project", deleted_at=utc_now())
    await artist.call("DELETE", "/trash", 204, params={"project_id": project})
    assert await names(artist, "/trash") == ["of another project"]
    await artist.call("DELETE", "/trash", 204)
    assert [key.split("/")[3] for key in store.keys(f"{artist.id}/gateway/assets/")] == [kept]
    with gateway.db() as db:
        assert db.connection().execute(sa.select(sa.func.count()).select_from(AssetFile)).scalar_one() == 1


async def test_what_is_not_in_the_trash_is_not_deleted_from_it(artist: Artist, gateway: Gateway) -> None:
    asset = put_asset(gateway, artist, await artist.project(), "골목")
    await artist.call("DELETE", f"/trash/{asset}", 404)
    await artist.call("GET", f"/assets/{asset}", 200)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["Night Bridge", "달빛 골목", "Alley"]),
        ({"search": "골목"}, ["달빛 골목"]),
        ({"search": "BRIDGE"}, ["Night Bridge"]),
        ({"search": "%"}, []),
        ({"search": unicodedata.normalize("NFD", "골목")}, ["달빛 골목"]),
        ({"starred": "true"}, ["Alley"]),
        ({"starred": "false", "kind": "character"}, ["Night Bridge"]),
    ],
)
async def test_assets_are_found_by_text_star_and_kind(
    artist: Artist, gateway: Gateway, params: dict[str, str], expected: list[str]
) -> None:
    project = await artist.project()
    start = utc_now()
    shown: list[tuple[str, dict[str, object]]] = [
        ("Alley", {"starred": True}),
        ("달빛 골목", {}),
        ("Night Bridge", {"kind": "character"}),
    ]
    for number, (name, values) in enumerate(shown):
        put_asset(gateway, artist, project, name, created_at=start + dt.timedelta(seconds=number), **values)
    assert await names(artist, f"/projects/{project}/assets", **params) == expected


async def test_a_renamed_and_starred_asset_is_found_by_its_new_name(artist: Artist, gateway: Gateway) -> None:
    project = await artist.project()
    asset = put_asset(gateway, artist, project, "old")
    changed = await artist.call("PATCH", f"/assets/{asset}", 200, json={"name": "새 이름", "starred": True})
    assert (changed["name"], changed["starred"]) == ("새 이름", True)
    assert await names(artist, f"/projects/{project}/assets", search="이름", starred="true") == ["새 이름"]
    assert await names(artist, f"/projects/{project}/assets", search="old") == []


async def test_an_asset_that_was_moved_and_tagged_is_found_there_and_by_its_tags(
    artist: Artist, gateway: Gateway
) -> None:
    project = await artist.project()
    asset = put_asset(gateway, artist, project, "골목", folder="1화")
    change = {"folder": "/3화//5컷/", "tags": ["# 비 오는  밤", "Rain", unicodedata.normalize("NFD", "골목길"), "rain"]}
    changed = await artist.call("PATCH", f"/assets/{asset}", 200, json=change)
    assert (changed["folder"], changed["tags"]) == ("3화/5컷", ["비 오는 밤", "Rain", "골목길"])
    path = f"/projects/{project}/assets"
    assert await names(artist, path, folder="3화", search="오는 밤") == ["골목"]
    assert await names(artist, path, folder="1화") == []
    starred = await artist.call("PATCH", f"/assets/{asset}", 200, json={"starred": True})
    assert (starred["folder"], starred["tags"]) == (changed["folder"], changed["tags"])
    await artist.call("DELETE", f"/assets/{asset}", 204)
    assert await artist.call("GET", f"/projects/{project}/folders", 200) == []


@pytest.mark.parametrize(
    "change",
    [
        {"tags": ["a,b"]},
        {"tags": ["a、b"]},
        {"tags": ["#"]},
        {"tags": ["x" * 21]},
        {"tags": ["x"] * 11},
        {"folder": "x" * 81},
    ],
)
async def test_what_is_no_tag_or_folder_is_refused(artist: Artist, gateway: Gateway, change: dict[str, object]) -> None:
    asset = put_asset(gateway, artist, await artist.project(), "골목")
    refused = await artist.call("PATCH", f"/assets/{asset}", 422, json=change)
    assert next(iter(change)) in refused["error"]["message"]


async def test_assets_are_listed_by_name_with_numbers_as_numbers_page_by_page(artist: Artist, gateway: Gateway) -> None:
    project, now = await artist.project(), utc_now()
    for number, name in enumerate(["컷 10", "컷 9", "컷 100", "Alley", "alley 2", "컷 9"]):
        put_asset(gateway, artist, project, name, created_at=now + dt.timedelta(seconds=number))

    async def all_of(order: str) -> list[str]:
        seen: list[str] = []
        params: dict[str, object] = {"limit": 2, "order": order}
        while True:
            page = await artist.call("GET", f"/projects/{project}/assets", 200, params=params)
            seen += [item["name"] for item in page["items"]]
            if page["next_cursor"] is None:
                return seen
            params["cursor"] = page["next_cursor"]

    assert await all_of("name") == ["Alley", "alley 2", "컷 9", "컷 9", "컷 10", "컷 100"]
    assert await all_of("oldest") == ["컷 10", "컷 9", "컷 100", "Alley", "alley 2", "컷 9"]
    assert await all_of("newest") == (await all_of("oldest"))[::-1]
    first = await artist.call("GET", f"/projects/{project}/assets", 200, params={"limit": 1, "order": "name"})
    wrong = {"order": "newest", "cursor": first["next_cursor"]}
    refused = await artist.call("GET", f"/projects/{project}/assets", 400, params=wrong)
    assert refused["error"]["reason"] == "CURSOR"


async def test_pages_of_assets_and_of_the_trash_go_on_where_they_ended(artist: Artist, gateway: Gateway) -> None:
    project, now = await artist.project(), utc_now()
    for number in range(7):
        moment = now + dt.timedelta(seconds=number // 2)  # some at the same moment
        put_asset(gateway, artist, project, f"live {number}", created_at=moment)
        put_asset(gateway, artist, project, f"gone {number}", deleted_at=moment)
    for path, kind in ((f"/projects/{project}/assets", "live"), ("/trash", "gone")):
        seen: list[str] = []
        cursor = None
        while True:
            params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
            page = await artist.call("GET", path, 200, params=params)
            seen += [item["name"] for item in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert sorted(seen) == [f"{kind} {number}" for number in range(7)]
