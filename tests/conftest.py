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
