"""A gateway of its own for each test, with scripted model services behind it."""

import asyncio
import datetime as dt
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from services.common.artifacts import FolderStore
from services.common.databases import create_database_engine
from services.common.leases import LeaseQueue
from services.gateway.app import create_api
from services.gateway.clients import Addresses, Peers
from services.gateway.database import migrate
from services.gateway.edge import Edge
from services.gateway.gateway import Gateway
from services.gateway.links import Links
from services.gateway.passwords import Passwords
from services.gateway.sessions import SessionRules
from services.gateway.settings import GatewaySettings
from services.gateway.tables import jobs
from services.gateway.worker.dispatch import Dispatcher
from services.gateway.worker.server import create_dispatcher
from tests.fakes.artists import Artist, sign_up
from tests.fakes.model_services import FakeServices
from tests.fakes.owners import SIGNER

Until = Callable[[Callable[[], Awaitable[object]]], Awaitable[None]]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file without rows, to be copied."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    engine = create_database_engine(f"sqlite:///{path}")
    migrate(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")  # all in the one file
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    return path


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "artifacts")


@pytest.fixture
async def services(store: FolderStore) -> AsyncIterator[FakeServices]:
    running = FakeServices(store)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def database_url(tmp_path: Path, empty_database: Path) -> str:
    """A database of its own with our tables; a module may put PostgreSQL here."""
    shutil.copy(empty_database, tmp_path / "gateway.db")
    return f"sqlite:///{tmp_path}/gateway.db"


@pytest.fixture
async def gateway(
    tmp_path: Path, database_url: str, store: FolderStore, services: FakeServices
) -> AsyncIterator[Gateway]:
    engine = create_database_engine(database_url)
    where = services.address
    addresses = Addresses(background=where, pose_estimation=where, pose_transfer=where, style_train=where)
    made = Gateway(
        engine=engine,
        queue=LeaseQueue(engine, jobs),
        store=store,
        peers=Peers(addresses, SIGNER),
        links=Links(b"secret of a test"),
        family=tmp_path / "family",
        web_folder=tmp_path / "web",
        sessions=SessionRules(lifetime=dt.timedelta(days=1), longest=dt.timedelta(days=3)),
        max_open_jobs=20,
        passwords=Passwords(memory_kib=64, passes=1),
    )
    yield made
    await made.peers.close()
    engine.dispose()


@pytest.fixture(scope="session")
def api() -> FastAPI:
    """The routes, made once; each test puts its own gateway behind them."""
    return create_api(None)


@pytest.fixture
async def browser(gateway: Gateway, api: FastAPI) -> AsyncIterator[Callable[[], httpx.AsyncClient]]:
    """Makes browsers that nobody is signed in with."""
    api.state.gateway = gateway
    app = Edge(api)
    opened: list[httpx.AsyncClient] = []

    def open_browser() -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        opened.append(httpx.AsyncClient(transport=transport, base_url="http://gateway.test"))
        return opened[-1]

    yield open_browser
    for client in opened:
        await client.aclose()


@pytest.fixture
async def artist(browser: Callable[[], httpx.AsyncClient]) -> Artist:
    return await sign_up(browser(), "artist@example.com")


@pytest.fixture
async def stranger(browser: Callable[[], httpx.AsyncClient]) -> Artist:
    return await sign_up(browser(), "stranger@example.com")


@pytest.fixture
def make_worker(gateway: Gateway, store: FolderStore) -> Callable[..., Dispatcher]:
    """Makes workers with short waits; keyword arguments are settings."""

    def make(**changes: object) -> Dispatcher:
        settings = GatewaySettings.model_validate({"lease_seconds": 5.0, "peer_patience_seconds": 20.0} | changes)
        return create_dispatcher(settings, gateway.engine, gateway.queue, store, gateway.peers)

    return make


@pytest.fixture
async def worker(make_worker: Callable[..., Dispatcher]) -> AsyncIterator[Dispatcher]:
    """A running worker."""
    dispatcher, stopping = make_worker(), asyncio.Event()
    running = asyncio.create_task(dispatcher.run(stopping))
    yield dispatcher
    stopping.set()
    await running


@pytest.fixture
def until() -> Until:
    """Waits until a question is answered with something true; the test's own timeout bounds it."""

    async def wait(question: Callable[[], Awaitable[object]]) -> None:
        async with asyncio.timeout(30):
            while not await question():  # noqa: ASYNC110 (the answer is in a database)
                await asyncio.sleep(0.05)

    return wait
