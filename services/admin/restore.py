"""Brings a backup back into empty databases and stores, of whatever kind.

While it runs, every job is held and no service starts: a hold named after the backup says so. It goes when the last
check has passed; a restore that was interrupted is run again, and begins anew.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from services.admin.backup import Tell
from services.admin.census import part_of
from services.admin.check import HALF_RESTORED, Checked, broken_files, check_mesh, unknown_revisions
from services.admin.manifest import BackupFolder, Service
from services.admin.places import Place
from services.admin.rows import insert, table_names
from services.common.databases import reading
from services.common.errors import Conflict, InvalidInput, NotReady
from services.common.leases import EVERY_KIND, RESTORE, Hold


def restore(path: Path, places: Sequence[Place], *, tell: Tell) -> Checked:
    """Write a backup into `places`, which must be empty, or be where this very backup was being restored.

    Raises:
        NotFound, NotReady: no whole backup is there, or this program does not know it; nothing was written.
        Conflict: the target is not empty; nothing was written.
        InvalidInput: an object of the backup is damaged; the target stays marked as half restored.
        Unavailable: a database or store cannot be reached, or is full; the same.
    """
    folder = BackupFolder(path)
    manifest = folder.manifest()
    if problems := [*broken_files(folder, manifest), *unknown_revisions(manifest, places)]:
        raise NotReady("; ".join(problems), reason="DAMAGED_BACKUP")
    mark = f"{RESTORE} {folder.id()}"
    for place in places:
        _require_empty(place, mark, manifest.services[place.name].revision)
    for place in places:
        if place.revision() is None:
            place.migrate(place.engine, manifest.services[place.name].revision)
        place.holds.put(EVERY_KIND, mark)
    tell(f"{manifest.objects} objects, {manifest.object_bytes} bytes")
    _put_objects(folder, places)
    for place in places:
        tell(f"rows of {place.name}")
        _put_rows(folder, place, manifest.services[place.name])
        place.migrate(place.engine, "head")
    checked = check_mesh(places, grace=dt.timedelta(0))
    known = {*manifest.lost, *manifest.dangling, *(place.name for place in places)}
    if not checked.problems.keys() - known:  # what was damaged before the backup cannot be mended by waiting
        for place in places:
            place.holds.lift(mark)
    left = {key: said for key, said in checked.problems.items() if said != HALF_RESTORED}
    return Checked(rows=checked.rows, objects=checked.objects, problems=left)


def _require_empty(place: Place, mark: str, revision: str) -> None:
    holds: list[Hold] = []
    with reading(place.engine).connect() as connection:
        tables = table_names(connection)
        rows = {name: _count(connection, name) for name in tables}
    if place.revision() is not None:
        holds = place.holds.all()
    if any(hold.reason == mark for hold in holds):
        return
    if holds:
        raise Conflict(f"{place.url} is held: {holds[0].reason}", reason="HELD")
    full = [f"{count} rows in {name}" for name, count in rows.items() if count]
    full += [f"objects of {owner}" for owner in place.store.owners()[:3]]
    if full:
        remedy = "name an empty database and an empty folder or bucket; nothing was changed"
        raise Conflict(f"{place.name} is not empty ({', '.join(full[:4])}): {remedy}", reason="NOT_EMPTY")
    if place.revision() not in (None, revision):
        where = f"{place.url} is at revision {place.revision()}, the backup at {revision}"
        raise Conflict(f"{where}: name a database without tables; nothing was changed", reason="OTHER_REVISION")


def _count(connection: sa.Connection, name: str) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()


def _put_objects(folder: BackupFolder, places: Sequence[Place]) -> None:
    for found in folder.objects():
        place = next((place for place in places if part_of(found.key) in place.words.PARTS), None)
        content = folder.store.get(found.key)
        if place is None or hashlib.sha256(content).hexdigest() != found.sha256:
            raise InvalidInput(f"the backup's {found.key} is damaged: restore another backup", reason="DAMAGED_BACKUP")
        place.store.put(found.key, content, found.media_type)


def _put_rows(folder: BackupFolder, place: Place, said: Service) -> None:
    """In one transaction: all rows or none. Those of an interrupted restore are written anew."""
    if place.revision() != said.revision:
        return  # they were written before, and migrated since
    with place.engine.begin() as connection:
        for name, table in said.tables.items():
            connection.execute(sa.delete(sa.table(name)))
            written = insert(connection, name, folder.rows(place.name, name))
            if written != table.rows:
                raise NotReady(f"{name} has {written} rows and not {table.rows}", reason="DAMAGED_BACKUP")
