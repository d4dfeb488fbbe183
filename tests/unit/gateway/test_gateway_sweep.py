"""Files that no row names go after a day; whatever a row names, or a job is still making, stays."""

import datetime as dt

import sqlalchemy as sa

from services.common.artifacts import FolderStore
from services.common.sweeping import Swept
from services.gateway.gateway import Gateway
from services.gateway.sweep import KEY_COLUMNS, sweep_files
from services.gateway.tables import jobs
from tests.fakes.artists import Artist, png

TOMORROW = dt.timedelta(hours=25)


def sweep(gateway: Gateway, *, age: dt.timedelta = TOMORROW, dry_run: bool = False) -> Swept:
    return sweep_files(gateway.engine, gateway.store, now=dt.datetime.now(dt.UTC) + age, dry_run=dry_run)


async def test_what_rows_name_stays_and_the_rest_goes(artist: Artist, gateway: Gateway, store: FolderStore) -> None:
    await artist.picture(await artist.project(), png())
    [picture] = store.keys("")
    for stray in ("pictures/stray.png", "results/0123/00.png", "poses/0123-4.png", "assets/0123/00.png"):
        store.put(f"{artist.id}/gateway/{stray}", b"x", "image/png")
    store.put(f"{artist.id}/out/request/00.png", b"x", "image/png")
    assert sweep(gateway, dry_run=True) == Swept(seen=6, named=1, removed=5, removed_bytes=5)
    assert sweep(gateway).removed == 5
    assert list(store.keys("")) == [picture]


async def test_what_is_younger_than_a_day_stays(artist: Artist, gateway: Gateway, store: FolderStore) -> None:
    store.put(f"{artist.id}/gateway/pictures/early.png", b"x", "image/png")
    assert sweep(gateway, age=dt.timedelta(hours=23)) == Swept(seen=1, young=1)
    assert len(list(store.keys(""))) == 1


async def test_another_services_files_are_not_looked_at(artist: Artist, gateway: Gateway, store: FolderStore) -> None:
    store.put(f"{artist.id}/style/0123/lora.safetensors", b"x", "application/octet-stream")
    assert sweep(gateway) == Swept()


async def test_what_an_unfinished_job_has_made_stays_until_it_has_ended(
    artist: Artist, gateway: Gateway, store: FolderStore
) -> None:
    project = await artist.project()
    job = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json={"prompt": "a beach"})
    store.put(f"{artist.id}/out/{job['id']}/00.png", b"x", "image/png")
    store.put(f"{artist.id}/gateway/previews/{job['id']}/a.jpg", b"x", "image/jpeg")
    store.put(f"{artist.id}/gateway/exports/{job['id']}.zip", b"x", "application/zip")
    assert sweep(gateway).named == 3
    with gateway.engine.begin() as connection:
        connection.execute(sa.update(jobs).values(state="cancelled"))
    assert sweep(gateway).removed == 3


async def test_the_file_that_an_ended_job_names_as_its_result_stays(
    artist: Artist, gateway: Gateway, store: FolderStore
) -> None:
    project = await artist.project()
    job = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json={"prompt": "a beach"})
    key = f"{artist.id}/gateway/exports/{job['id']}.zip"
    store.put(key, b"x", "application/zip")
    with gateway.engine.begin() as connection:
        connection.execute(sa.update(jobs).values(state="succeeded", result={"key": key}))
    assert sweep(gateway) == Swept(seen=1, named=1)


def test_every_column_that_names_a_file_is_asked() -> None:
    asked = {f"{column.table.name}.{column.name}" for column in KEY_COLUMNS}
    assert asked >= {"picture.key", "result.key", "asset_file.key", "pose.skeleton_key"}
