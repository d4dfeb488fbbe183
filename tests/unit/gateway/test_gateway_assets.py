"""Assets and projects: what is kept, and that deletion deletes."""

import io
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.common.artifacts import FolderStore
from services.gateway.gateway import Gateway
from services.gateway.tables import metadata
from services.gateway.worker.dispatch import Dispatcher
from services.gateway.zips import ZipEntry, plain_name, zip_names
from tests.fakes.artists import Artist
from tests.fakes.model_services import FakeServices


async def results(artist: Artist, project: str, count: int = 2) -> list[str]:
    body = {"prompt": "노을", "count": count}
    posted = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json=body)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    return [result["id"] for result in (await artist.call("GET", f"/jobs/{posted['id']}", 200))["results"]]


async def keep(artist: Artist, project: str, name: str, ids: list[str], status: int = 201) -> dict[str, object]:
    body = {"name": name, "description": "밤", "result_ids": ids}
    made: dict[str, object] = await artist.call("POST", f"/projects/{project}/assets", status, json=body)
    return made


async def test_results_are_kept_in_the_order_they_were_chosen(artist: Artist, worker: Dispatcher) -> None:
    project = await artist.project()
    first, second = await results(artist, project)
    asset = await keep(artist, project, "골목", [second, first])
    assert (asset["name"], asset["description"], asset["kind"]) == ("골목", "밤", "background")
    files = asset["files"]
    assert isinstance(files, list)
    assert [file["index"] for file in files] == [0, 1]
    assert files[0]["settings"]["prompt"] == "노을"
    assert (await artist.http.get(files[0]["url"])).status_code == 200
    assert (await artist.call("GET", f"/projects/{project}/assets", 200))["items"] == [asset]
    assert await artist.call("GET", f"/assets/{asset['id']}", 200) == asset


async def test_each_result_is_kept_once(artist: Artist, worker: Dispatcher) -> None:
    project = await artist.project()
    (only,) = await results(artist, project, 1)
    refused = await artist.call(
        "POST", f"/projects/{project}/assets", 400, json={"name": "x", "result_ids": [only] * 2}
    )
    assert refused["error"]["reason"] == "MIXED_RESULTS"


async def test_a_deleted_asset_leaves_no_files_and_its_job_stays(
    artist: Artist, worker: Dispatcher, store: FolderStore
) -> None:
    project = await artist.project()
    ids = await results(artist, project)
    asset = await keep(artist, project, "골목", ids)
    await artist.call("DELETE", f"/assets/{asset['id']}", 204)
    await artist.call("DELETE", f"/trash/{asset['id']}", 204)
    await artist.call("GET", f"/assets/{asset['id']}", 404)
    assert list(store.keys(f"{artist.id}/gateway/assets")) == []
    assert len(list(store.keys(f"{artist.id}/gateway/results"))) == 2


async def test_all_assets_come_as_one_zip_with_korean_names(artist: Artist, worker: Dispatcher, tmp_path: Path) -> None:
    project = await artist.project("달빛/아래")
    ids = await results(artist, project)
    await keep(artist, project, "골목", ids)
    await keep(artist, project, "sky: day", ids[:1])
    answer = await artist.http.get(f"/api/v1/projects/{project}/assets.zip")
    assert answer.headers["content-type"] == "application/zip"
    assert "filename*=UTF-8''%EB%8B%AC" in answer.headers["content-disposition"]
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert archive.namelist() == ["달빛_아래_골목_01.png", "달빛_아래_골목_02.png", "달빛_아래_sky_ day_01.png"]


async def test_assets_lie_in_folders_which_are_listed_in_their_order(artist: Artist, worker: Dispatcher) -> None:
    project = await artist.project("달빛")
    ids = await results(artist, project, 1)
    for name, folder in (("c", "10화"), ("a", "2화/5컷"), ("b", " 2화 / 10컷"), ("d", ""), ("e", "2화")):
        body = {"name": name, "folder": folder, "result_ids": ids}
        await artist.call("POST", f"/projects/{project}/assets", 201, json=body)
    told = await artist.call("GET", f"/projects/{project}/folders", 200)
    assert [(one["folder"], one["assets"]) for one in told] == [
        ("", 1), ("2화", 1), ("2화/5컷", 1), ("2화/10컷", 1), ("10화", 1),
    ]  # fmt: skip
    for folder, expected in (("2화", "eba"), ("2화/5컷", "a"), ("", "d"), ("1", "")):
        found = await artist.call("GET", f"/projects/{project}/assets", 200, params={"folder": folder})
        assert "".join(one["name"] for one in found["items"]) == expected
    archive = zipfile.ZipFile(io.BytesIO((await artist.http.get(f"/api/v1/projects/{project}/assets.zip")).content))
    assert "달빛_2화_5컷_a_01.png" in archive.namelist()


async def test_chosen_assets_come_as_one_zip(artist: Artist, worker: Dispatcher) -> None:
    project = await artist.project("달빛")
    ids = await results(artist, project)
    kept = [await keep(artist, project, name, ids[:1]) for name in ("골목", "바다", "산")]
    chosen = {"asset": [str(kept[2]["id"]), str(kept[0]["id"])]}
    answer = await artist.http.get(f"/api/v1/projects/{project}/assets.zip", params=chosen)
    assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist() == ["달빛_골목_01.png", "달빛_산_01.png"]
    elsewhere = await artist.http.get(f"/api/v1/projects/{await artist.project()}/assets.zip", params=chosen)
    assert elsewhere.json()["error"]["reason"] == "NO_ASSET"


async def test_a_project_without_assets_has_no_zip(artist: Artist) -> None:
    refused = await artist.call("GET", f"/projects/{await artist.project()}/assets.zip", 404)
    assert refused["error"]["reason"] == "NO_ASSET"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("골목", "골목"),
        ("../../etc", "_.._etc"),
        ('a\\b:c*?"<>|', "a_b_c_"),
        ("...", "_"),
        ("\x00\n", "_"),
        ("con. ", "con"),
    ],
)
def test_a_name_is_made_plain_for_every_system(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_two_assets_of_one_name_do_not_overwrite_each_other() -> None:
    entries = [ZipEntry(asset_name="a", key=str(number), media_type="image/png") for number in range(3)]
    assert list(zip_names("p", entries)) == ["p_a_01.png", "p_a_02.png", "p_a_03.png"]


async def test_a_project_is_made_renamed_and_listed(artist: Artist) -> None:
    project = await artist.project("달빛")
    renamed = await artist.call("PATCH", f"/projects/{project}", 200, json={"name": " 햇빛 "})
    assert renamed["name"] == "햇빛"
    assert await artist.call("GET", f"/projects/{project}", 200) == renamed
    other = await artist.project("달빛")
    assert [one["id"] for one in (await artist.call("GET", "/projects", 200))["items"]] == [other, project]


async def test_a_deleted_project_leaves_nothing_but_the_account(
    artist: Artist, services: FakeServices, worker: Dispatcher, gateway: Gateway, store: FolderStore
) -> None:
    project = await artist.project()
    picture = await artist.picture(project)
    await artist.pose(project)
    training = {"name": "잉크", "picture_ids": [picture["id"]]}
    posted = await artist.call("POST", f"/projects/{project}/trainings", 202, json=training)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    await keep(artist, project, "골목", await results(artist, project))
    services.background.script.hold_at_step = 1
    await artist.call("POST", f"/projects/{project}/backgrounds", 202, json={"prompt": "running"})
    await services.background.script.held.wait()
    await artist.call("DELETE", f"/projects/{project}", 204)
    await artist.call("GET", f"/projects/{project}", 404)
    left = [key for key in store.keys("") if "/style/" not in key or key.endswith(".safetensors")]
    assert left == []
    assert services.training.deleted == [posted["id"]]
    with gateway.engine.connect() as connection:
        counts = {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
    assert {name for name, count in counts.items() if count} <= {"account", "sign_in", "rate", "daily_use"}


async def test_a_deleted_project_takes_nothing_of_another_with_it(artist: Artist, store: FolderStore) -> None:
    gone, stays = await artist.project(), await artist.project()
    await artist.picture(gone)
    kept = await artist.picture(stays)
    await artist.call("DELETE", f"/projects/{gone}", 204)
    assert (await artist.http.get(kept["url"])).status_code == 200
    assert (await artist.call("GET", f"/projects/{stays}/pictures", 200))["items"][0]["id"] == kept["id"]
