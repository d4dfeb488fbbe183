"""Style training on each database; the workers of a test are gone when it ends."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.families import build_random_family
from tests.fakes.trainings import Place, Workers, open_place, open_stub


@pytest.fixture(scope="package")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_random_family(tmp_path_factory.mktemp("family"))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, family: Path) -> Iterator[Place]:
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres").new_database() if on_postgres else f"sqlite:///{tmp_path}/style.db"
    with open_place(url, tmp_path, family) as place:
        yield place


@pytest.fixture
async def stub(place: Place) -> AsyncIterator[Any]:
    async with open_stub(place) as stub:
        yield stub


@pytest.fixture
def workers(place: Place) -> Iterator[Workers]:
    running = Workers(place.environment)
    yield running
    running.stop()
