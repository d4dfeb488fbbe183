"""Takes a backup while everything runs: what it holds is one moment, and whole.

Rows are read first, in one snapshot of each database, and then the objects that they name. An object that was removed
between the two is missed; then the rows are read again, and only what is new is copied. So the last reading of the rows
names nothing that was not copied, and rows that were written later are simply not in it.
"""

import datetime as dt
import errno
import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.admin.census import Census, dangling_rows, not_shared
from services.admin.manifest import FORMAT, BackupFolder, Manifest, Service, Table, as_line, file_sha256
from services.admin.places import Place
from services.admin.rows import read, snapshot, table_names, write_lines
from services.common.artifacts import ArtifactStore
from services.common.errors import Conflict, NotFound, NotReady, ServiceError, Unavailable
from services.common.leases import refuse_half_restored
from services.common.named import NamedObject

MOST_READINGS = 8
Tell = Callable[[str], None]


@dataclass(slots=True)
class _Copies:
    """What was copied so far, by key."""

    target: ArtifactStore
    lines: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, store: ArtifactStore, named: NamedObject) -> bool:
        """Copy one object, unless its copy is what the row says; False when it is not there, or another content."""
        known = self.lines.get(named.key)
        if known is not None and named.sha256 in (None, known["sha256"]):
            return True
        try:
            content = store.get(named.key)
        except NotFound:
            return False
        if named.sha256 is not None and hashlib.sha256(content).hexdigest() != named.sha256:
            return False
        self.target.put(named.key, content, named.media_type)
        self.lines[named.key] = as_line(named, content)
        return True

    def drop_all_but(self, keys: set[str]) -> None:
        """Leave out what was removed from the mesh since it was copied."""
        for key in self.lines.keys() - keys:
            self.target.delete(key)
            del self.lines[key]


def take_backup(
    places: Sequence[Place], path: Path, *, tell: Tell, while_copying: Callable[[], None] = lambda: None
) -> Manifest:
    """Write everything that the services keep into a new folder. `while_copying` is called between rows and objects.

    Raises:
        Conflict: something is at `path` already.
        NotReady: a database is not at the revision that this program knows, or was restored only in part.
        Unavailable: a database or store cannot be reached, or there is no room; nothing is left at `path` then.
    """
    for place in places:
        place.require_newest()
        refuse_half_restored(place.engine, place.metadata)
    with _new_folder(path):
        folder = BackupFolder(path)
        copies = _Copies(folder.store)
        before: set[str] = set()
        for reading in range(1, MOST_READINGS + 1):
            services, censuses = _read_rows(places, folder)
            while_copying()
            missed = _copy(places, censuses, copies) | set(not_shared(list(places), censuses))
            tell(f"reading {reading}: {len(copies.lines)} objects, {len(missed)} missed")
            if not missed or missed == before:  # what is missed twice was not removed meanwhile: it is lost
                break
            before = missed
        else:
            raise Unavailable("too much is removed just now; try again soon", reason="TOO_BUSY")
        copies.drop_all_but({key for census in censuses.values() for key in census.named})
        return _seal(folder, services, copies, censuses)


def _read_rows(places: Sequence[Place], folder: BackupFolder) -> tuple[dict[str, Service], dict[str, Census]]:
    services, censuses = {}, {}
    for place in places:
        census = censuses[place.name] = Census(place.words)
        tables = {}
        with snapshot(place.engine) as connection:
            for name in table_names(connection):
                file = folder.lines(place.name, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                written = write_lines(file, census.counted(name, read(connection, name)))
                tables[name] = Table(rows=written.rows, sha256=written.sha256)
        services[place.name] = Service(engine=place.engine.dialect.name, revision=place.revisions()[-1], tables=tables)
    return services, censuses


def _copy(places: Sequence[Place], censuses: dict[str, Census], copies: _Copies) -> set[str]:
    """Returns the keys of what was not there. Trainings' objects come first: checkpoints live for the shortest time."""
    return {
        named.key
        for place in reversed(places)
        for named in censuses[place.name].named.values()
        if not copies.take(place.store, named)
    }


def _seal(folder: BackupFolder, services: dict[str, Service], copies: _Copies, censuses: dict[str, Census]) -> Manifest:
    write_lines(folder.object_list, (copies.lines[key] for key in sorted(copies.lines)))
    named = {key for census in censuses.values() for key in census.named}
    manifest = Manifest(
        format=FORMAT,
        created_at=dt.datetime.now(dt.UTC),
        services=services,
        objects=len(copies.lines),
        object_bytes=sum(line["size_bytes"] for line in copies.lines.values()),
        objects_sha256=file_sha256(folder.object_list),
        lost=sorted(named - copies.lines.keys()),
        dangling=dangling_rows(censuses),
    )
    folder.write_manifest(manifest)
    return manifest


@contextmanager
def _new_folder(path: Path) -> Iterator[None]:
    """Makes the folder, for its owner only; what fails within leaves none."""
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError as error:
        raise Conflict(f"{path} is there already: name a new folder for each backup", reason="BACKUP_EXISTS") from error
    except OSError as error:
        raise NotReady(f"{path} cannot be made: {error.strerror}", reason="NO_FOLDER") from error
    try:
        yield
    except BaseException as error:
        shutil.rmtree(path, ignore_errors=True)
        if _is_full(error):
            raise Unavailable(
                f"no room for the backup at {path}: free space, or name another disk", reason="BACKUP_FULL"
            ) from error
        raise


def _is_full(error: BaseException) -> bool:
    if isinstance(error, ServiceError):
        return error.reason == "ARTIFACTS_FULL"
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
