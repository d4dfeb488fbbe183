"""Real parts that several folders of tests share; each is started once and stopped at the end."""

from collections.abc import Iterator

import pytest

from tests.fakes.postgres import Postgres, find_binaries
from tests.fakes.seaweedfs import SeaweedFS


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL on this system: install your system's postgresql package")
    server = Postgres(tmp_path_factory.mktemp("postgres"), binaries)
    yield server
    server.stop("immediate")


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    server = SeaweedFS(tmp_path_factory.mktemp("seaweedfs"))
    yield server
    server.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: what waits for browsers and whole meshes shares the cores with everything else then."""
    longest = ("tests/web/", "tests/mesh/", "tests/wire/", "tests/stubs/")
    items.sort(key=lambda item: next((rank for rank, name in enumerate(longest) if item.nodeid.startswith(name)), 9))
