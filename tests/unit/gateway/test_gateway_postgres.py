"""The same gateway on PostgreSQL: what it asks of a database, asked of the other one."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from services.common.artifacts import FolderStore
from services.common.databases import create_database_engine
from services.gateway.database import migrate
from services.gateway.gateway import Gateway
from services.gateway.tables import Asset, Style, metadata, new_id, utc_now
from services.gateway.worker.dispatch import Dispatcher
from services.gateway.worker.training import make_next_version, take_turn
from tests.fakes.artists import PASSWORD, Artist
from tests.fakes.isolation import build_world
from tests.fakes.postgres import Postgres
from tests.unit.gateway.conftest import Until
from tests.unit.gateway.test_gateway_departure import OpenBrowser, ended, needles, traces
from tests.unit.gateway.test_gateway_migrations import drift

NUL = "%00"


@pytest.fixture
def database_url(postgres: Postgres) -> str:
    url = postgres.new_database()
    engine = create_database_engine(url)
    migrate(engine)
    migrate(engine)
    engine.dispose()
    return url


async def test_there_is_no_drift_between_migrations_and_tables_on_postgresql(gateway: Gateway) -> None:
    assert drift(gateway.engine) == []


async def test_a_project_lives_and_goes_on_postgresql(
    artist: Artist, gateway: Gateway, make_worker: Callable[..., Dispatcher]
) -> None:
    project = await artist.project()
    picture = await artist.picture(project)
    posts = [
        ("trainings", {"name": "잉크", "picture_ids": [picture["id"]]}),
        ("backgrounds", {"prompt": "노을", "count": 2, "seed": 2**53 - 3}),
        ("backgrounds", {"prompt": "바다"}),
    ]
    posted = [await artist.call("POST", f"/projects/{project}/{path}", 202, json=body) for path, body in posts]
    assert [job["queue_position"] for job in posted] == [0, 0, 1]
    stopping = asyncio.Event()
    running = asyncio.create_task(make_worker().run(stopping))
    for job in posted:
        await artist.http.get(f"/api/v1/jobs/{job['id']}/events")
    page = await artist.call("GET", "/jobs", 200, params={"limit": 2, "state": "succeeded"})
    rest = await artist.call("GET", "/jobs", 200, params={"limit": 2, "cursor": page["next_cursor"]})
    assert [job["id"] for job in page["items"] + rest["items"]] == [job["id"] for job in posted[::-1]]
    results = rest["items"][0]["results"] or page["items"][1]["results"]
    assert [result["seed"] for result in results] == [2**53 - 3, 2**53 - 2]
    await artist.pose(project)
    body = {"name": "골목", "result_ids": [result["id"] for result in results]}
    await artist.call("POST", f"/projects/{project}/assets", 201, json=body)
    await artist.call("DELETE", f"/projects/{project}", 204)
    stopping.set()
    await running
    with gateway.engine.connect() as connection:
        counts = {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
    assert {name for name, count in counts.items() if count} <= {"account", "sign_in", "rate", "daily_use"}


async def test_two_versions_of_a_style_that_end_at_once_get_two_numbers(
    artist: Artist, gateway: Gateway, until: Until
) -> None:
    project = await artist.project()
    account = (await artist.call("GET", "/account", 200))["id"]

    def version(job_id: str) -> Style:
        made = {"id": new_id(), "account_id": account, "project_id": project, "name": "x", "job_id": job_id}
        return Style(**made, training_id=job_id, files=[], samples=[])

    def add_second() -> None:
        with Session(gateway.engine) as db:
            take_turn(lineage_id, db.connection())
            db.add(style := version("3"))
            make_next_version(style, lineage_id)
            db.commit()

    with Session(gateway.engine) as db:
        db.add(first := version("1"))
        db.commit()
        lineage_id = first.lineage_id
        take_turn(lineage_id, db.connection())
        waiting = asyncio.create_task(asyncio.to_thread(add_second))
        waits = sa.text("select count(*) from pg_locks where not granted")
        with gateway.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as onlooker:

            async def held_up() -> bool:
                return bool(onlooker.execute(waits).scalar_one())

            await until(held_up)
        db.add(second := version("2"))
        make_next_version(second, lineage_id)
        db.commit()
        await waiting
        numbers = sa.select(col(Style.job_id), col(Style.version)).order_by(col(Style.version))
        assert [tuple(row) for row in db.execute(numbers)] == [("1", 1), ("2", 2), ("3", 3)]


@pytest.mark.parametrize("path", ["projects", "pictures", "styles", "poses", "jobs", "assets"])
async def test_an_id_that_postgresql_cannot_keep_is_not_there(artist: Artist, path: str) -> None:
    await artist.call("GET", f"/{path}/{NUL}", 404)
    await artist.call("GET", f"/jobs?project_id={NUL}", 200)


async def test_text_that_postgresql_cannot_keep_is_refused(artist: Artist) -> None:
    await artist.call("POST", "/projects", 422, json={"name": "a\0b"})
    await artist.call(
        "POST", "/projects", 422, content=b'{"name": "\\ud800"}', headers={"Content-Type": "application/json"}
    )
    project = await artist.project("👩‍🎨")
    assert (await artist.call("GET", f"/projects/{project}", 200))["name"] == "👩‍🎨"


def test_a_prompt_with_what_texts_cannot_keep_neither_stops_an_upgrade_nor_a_change(postgres: Postgres) -> None:
    """JSON keeps NUL, and prompts lie in JSON; what searches look in is a text."""
    engine = create_database_engine(postgres.new_database())
    migrate(engine, "0006")
    own = {"account_id": "a", "project_id": "p", "created_at": utc_now()}
    asset = {**own, "id": "x", "name": "골목", "description": "", "kind": "background"}
    file = {
        **own, "id": "f", "asset_id": "x", "index": 0, "key": "k", "sha256": "0", "size_bytes": 1,
        "media_type": "image/png", "width": 4, "height": 3, "settings": {"prompt": "alley\0night"},
    }  # fmt: skip
    old = sa.MetaData()
    old.reflect(engine, only=["asset", "asset_file"])
    with engine.begin() as connection:
        connection.execute(sa.insert(old.tables["asset"]), [{**asset, "starred": False, "search_text": ""}])
        connection.execute(sa.insert(old.tables["asset_file"]), [file])
    migrate(engine)
    with Session(engine) as db:
        row = db.get_one(Asset, "x")
        assert "alleynight" in row.search_text
        row.describe_anew("alley\0day")
        db.add(row)
        db.commit()
        assert "alleyday" in row.search_text
    engine.dispose()


async def test_after_an_account_is_deleted_a_scan_of_postgresql_store_and_disk_finds_the_receipt_only(
    artist: Artist,
    stranger: Artist,
    gateway: Gateway,
    store: FolderStore,
    worker: Dispatcher,
    browser: OpenBrowser,
    postgres: Postgres,
    tmp_path: Path,
) -> None:
    world = await build_world(artist, gateway, store, browser)
    sought = needles(world)
    await stranger.project("stays")
    assert in_rows(gateway.engine, sought) != set()
    answer = await artist.call("POST", "/account/deletion", 202, json={"password": PASSWORD})
    await ended(browser, answer["receipt_id"])
    assert in_rows(gateway.engine, sought) == set()
    assert traces(tmp_path, sought) == []  # the store, too
    assert [project["name"] for project in (await stranger.call("GET", "/projects", 200))["items"]] == ["stays"]
    with gateway.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM receipt")).scalar_one() == 1
        oid = connection.execute(sa.text("SELECT oid FROM pg_database WHERE datname = current_database()")).scalar_one()
        files = postgres.data / "base" / str(oid)
        connection.execute(sa.text("CHECKPOINT"))
        assert traces(files, sought) != []  # dead rows: what docs/security.md says of them
        connection.execute(sa.text("VACUUM FULL"))
        connection.execute(sa.text("CHECKPOINT"))
    assert traces(files, sought) == []


def in_rows(engine: sa.Engine, sought: list[bytes]) -> set[str]:
    """Tables of any schema that have a row with one of these in it."""
    tables = sa.text("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables")
    found = set()
    with engine.connect() as connection:
        for name in connection.execute(tables).scalars().all():
            rows = connection.exec_driver_sql(f"SELECT t::text FROM {name} t").scalars().all()  # noqa: S608 (a catalogue's)
            found |= {name for row in rows for needle in sought if needle.decode() in row}
    return found


async def test_while_the_database_is_down_artists_are_told_to_come_again(artist: Artist, postgres: Postgres) -> None:
    project = await artist.project()
    postgres.stop("immediate")
    try:
        refused = await artist.call("GET", f"/projects/{project}", 503)
    finally:
        postgres.start()
    assert refused["error"]["reason"] == "DATABASE_DOWN"
    assert "try again" in refused["error"]["message"]
    await artist.call("GET", f"/projects/{project}", 200)
