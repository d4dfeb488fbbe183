"""A mesh with everything in it, stopped; the fixtures that make it are the gateway's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from services.admin.backup import take_backup
from services.admin.places import Place, Whereabouts, open_places
from services.common.artifacts import ArtifactStore
from services.common.databases import create_database_engine
from services.gateway.gateway import Gateway
from services.gateway.worker.dispatch import Dispatcher
from tests.fakes.artists import Artist
from tests.fakes.isolation import World, build_world
from tests.fakes.kept import places_in, record_trainings
from tests.fakes.model_services import FakeServices
from tests.fakes.restored import quiet
from tests.unit.gateway.conftest import (  # noqa: F401 (fixtures)
    api,
    artist,
    browser,
    database_url,
    empty_database,
    gateway,
    make_worker,
    services,
    store,
    worker,
)


@pytest.fixture
def where(tmp_path: Path) -> dict[str, Whereabouts]:
    """Where the mesh under test keeps things."""
    return places_in(tmp_path)


@pytest.fixture
async def world(
    artist: Artist,  # noqa: F811
    gateway: Gateway,  # noqa: F811
    store: ArtifactStore,  # noqa: F811
    worker: Dispatcher,  # noqa: F811
    browser: Callable[[], httpx.AsyncClient],  # noqa: F811
    services: FakeServices,  # noqa: F811
    where: dict[str, Whereabouts],
) -> World:
    """One of everything, and the trainings' own rows beside it."""
    made = await build_world(artist, gateway, store, browser)
    engine = create_database_engine(where["style_train"].database_url)
    record_trainings(engine, store, services.training.trainings)
    engine.dispose()
    return made


@pytest.fixture
def places(world: World, where: dict[str, Whereabouts]) -> Iterator[list[Place]]:
    with open_places(where) as opened:
        yield opened


@pytest.fixture
def backup(places: list[Place], tmp_path: Path) -> Path:
    path = tmp_path / "backup"
    manifest = take_backup(places, path, tell=quiet)
    assert (manifest.lost, manifest.dangling) == ([], [])
    assert manifest.objects >= 10
    return path
