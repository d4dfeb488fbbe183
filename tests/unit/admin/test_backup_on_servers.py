"""Backups of a mesh on a real PostgreSQL and a real S3 server, restored there, and from one kind into the other."""

from pathlib import Path

import pytest

from services.admin.check import check_backup, check_mesh
from services.admin.places import Place, Whereabouts
from services.common.artifacts import ArtifactSettings, ArtifactStore, S3Settings
from services.common.artifacts_s3 import S3Store
from services.common.databases import create_database_engine
from services.gateway.database import migrate
from tests.fakes.isolation import World
from tests.fakes.kept import places_in
from tests.fakes.postgres import Postgres
from tests.fakes.restored import check_served_after_restore
from tests.fakes.seaweedfs import SeaweedFS

pytestmark = pytest.mark.slow


def on_servers(postgres: Postgres, seaweedfs: SeaweedFS) -> dict[str, Whereabouts]:
    """Two empty databases and an empty bucket."""
    artifacts = ArtifactSettings(s3=seaweedfs.new_bucket())
    return {
        name: Whereabouts(database_url=postgres.new_database(), artifacts=artifacts)
        for name in ("gateway", "style_train")
    }


@pytest.fixture
def where(postgres: Postgres, seaweedfs: SeaweedFS) -> dict[str, Whereabouts]:
    return on_servers(postgres, seaweedfs)


@pytest.fixture
def database_url(where: dict[str, Whereabouts]) -> str:
    url = where["gateway"].database_url
    engine = create_database_engine(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture
def bucket(where: dict[str, Whereabouts]) -> S3Settings:
    return where["gateway"].artifacts.s3


@pytest.fixture
def store(bucket: S3Settings) -> ArtifactStore:
    return S3Store(bucket)


async def test_a_backup_of_servers_is_restored_into_others_and_serves_every_picture(
    world: World, backup: Path, places: list[Place], postgres: Postgres, seaweedfs: SeaweedFS
) -> None:
    assert check_mesh(places).problems == {}
    assert check_backup(backup, places).problems == {}
    await check_served_after_restore(world, backup, on_servers(postgres, seaweedfs))


async def test_a_backup_of_servers_is_restored_onto_one_machine(world: World, backup: Path, tmp_path: Path) -> None:
    await check_served_after_restore(world, backup, places_in(tmp_path / "new"))
