"""Where the services keep things: the only file that knows which services remember, and how each is asked."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from services.common.artifacts import ArtifactSettings, ArtifactStore, open_store
from services.common.databases import create_database_engine, reading, upgrade
from services.common.errors import NotFound, NotReady, Unavailable
from services.common.leases import Holds, LeaseQueue
from services.common.named import NamedObject, Row
from services.common.sweeping import Swept
from services.gateway import database as gateway_database
from services.gateway import stored as gateway_stored
from services.gateway import tables as gateway_tables
from services.gateway.settings import GatewaySettings
from services.gateway.sweep import sweep_files
from services.style_train import store as trainings
from services.style_train import stored as training_stored
from services.style_train.settings import StyleTrainSettings
from services.style_train.sweep import sweep_trainings

GATEWAY, STYLE_TRAIN = "gateway", "style_train"
SERVICES = (GATEWAY, STYLE_TRAIN)


class Words(Protocol):
    """What a service knows of its own rows."""

    PARTS: frozenset[str]

    def objects_of(self, table: str, row: Row, /) -> Iterator[NamedObject]: ...
    def references_of(self, table: str, row: Row, /) -> Iterable[tuple[str, str, str]]: ...
    def owner_of(self, row: Row, /) -> str | None: ...
    def leaves(self, table: str, row: Row, /) -> bool: ...


Sweep = Callable[[sa.Engine, ArtifactStore, dt.datetime, dt.timedelta, bool], Swept]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One service's database and store."""

    name: str
    engine: sa.Engine
    store: ArtifactStore
    metadata: sa.MetaData
    migrations: Path
    migrate: Callable[[sa.Engine, str], None]
    words: Words
    sweep: Sweep

    @property
    def jobs(self) -> sa.Table:
        return self.metadata.tables["job"]

    @property
    def queue(self) -> LeaseQueue:
        return LeaseQueue(self.engine, self.jobs)

    @property
    def holds(self) -> Holds:
        return Holds(self.engine, self.metadata)

    @property
    def url(self) -> str:
        """The database's address, fit to be shown."""
        return self.engine.url.render_as_string(hide_password=True)

    def revisions(self) -> list[str]:
        """Every revision that this program knows, the first one first."""
        return [script.revision for script in ScriptDirectory(str(self.migrations)).walk_revisions()][::-1]

    def revision(self) -> str | None:
        """What the database has; None before its first migration."""
        with reading(self.engine).connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def require_newest(self) -> None:
        """Raises NotReady unless the database has the tables that this program knows."""
        found, newest = self.revision(), self.revisions()[-1]
        if found is None:
            raise NotReady(f"{self.url} has no tables of {self.name}: is it the right database?", reason="NO_TABLES")
        if found != newest:
            remedy = (
                "start this version's service once, which migrates it"
                if found in self.revisions()
                else "use the newer program"
            )
            raise NotReady(
                f"the database of {self.name} is at revision {found}, this program at {newest}: {remedy}",
                reason="OTHER_REVISION",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where one service's database and artifacts are, as its settings name them."""

    database_url: str
    artifacts: ArtifactSettings


def whereabouts(data_folder: Path | None, services: Iterable[str]) -> dict[str, Whereabouts]:
    """Of a mesh on this machine by its data folder; without one, as the services' own settings say."""
    found: dict[str, Whereabouts] = {}
    for name in services:
        if data_folder is not None:
            artifacts = ArtifactSettings(folder=data_folder / "artifacts")
            found[name] = Whereabouts(database_url=f"sqlite:///{data_folder / name}.db", artifacts=artifacts)
        else:
            settings = GatewaySettings() if name == GATEWAY else StyleTrainSettings()
            found[name] = Whereabouts(database_url=settings.database_url, artifacts=settings.artifacts)
    return found


@contextmanager
def open_places(where: dict[str, Whereabouts], *, new: bool = False) -> Iterator[list[Place]]:
    """The services' places, in the order in which they are read: who points first, then whom they point to.

    Raises:
        NotFound: a SQLite file is not there, and `new` does not say that it may be made.
        Unavailable: a database cannot be reached; also for whatever is done within.
    """
    makers = {GATEWAY: _gateway, STYLE_TRAIN: _style_train}
    with ExitStack() as stack, database_errors():
        places = []
        for name in SERVICES:
            if name in where:
                if not new:
                    _require_file(where[name].database_url)
                engine = create_database_engine(where[name].database_url)
                stack.callback(engine.dispose)
                places.append(makers[name](engine, open_store(where[name].artifacts)))
        yield places


@contextmanager
def database_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        said = str(error.orig).strip().partition("\n")[0]
        raise Unavailable(f"the database does not do what it was asked: {said}", reason="DATABASE_DOWN") from error


def _require_file(url: str) -> None:
    place = sa.make_url(url)
    if place.get_backend_name() == "sqlite" and not Path(place.database or "").is_file():
        raise NotFound(
            f"no database {place.database}: name the mesh's data folder with --data, or set the services' own settings",
            reason="NO_DATABASE",
        )


def _gateway(engine: sa.Engine, store: ArtifactStore) -> Place:
    def sweep(engine: sa.Engine, store: ArtifactStore, now: dt.datetime, grace: dt.timedelta, dry_run: bool) -> Swept:  # noqa: FBT001
        return sweep_files(engine, store, now=now, grace=grace, dry_run=dry_run)

    return Place(
        name=GATEWAY,
        engine=engine,
        store=store,
        metadata=gateway_tables.metadata,
        migrations=gateway_database.MIGRATIONS,
        migrate=gateway_database.migrate,
        words=gateway_stored,
        sweep=sweep,
    )


def _style_train(engine: sa.Engine, store: ArtifactStore) -> Place:
    def sweep(engine: sa.Engine, store: ArtifactStore, now: dt.datetime, grace: dt.timedelta, dry_run: bool) -> Swept:  # noqa: FBT001
        known = trainings.TrainingStore(engine, max_queued=1)
        return sweep_trainings(known, store, now=now, grace=grace, dry_run=dry_run)

    return Place(
        name=STYLE_TRAIN,
        engine=engine,
        store=store,
        metadata=trainings.metadata,
        migrations=trainings.MIGRATIONS,
        migrate=lambda engine, revision: upgrade(engine, trainings.MIGRATIONS, revision),
        words=training_stored,
        sweep=sweep,
    )
