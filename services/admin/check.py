"""Whether everything that rows name is there and is what they say, and nothing lies about that no row names."""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from services.admin.census import Census, dangling_rows, not_shared, take_census
from services.admin.manifest import BackupFolder, Manifest, file_sha256
from services.admin.places import Place
from services.admin.rows import read, snapshot, table_names
from services.common.artifacts import ArtifactStore, Entry
from services.common.errors import NotFound
from services.common.leases import RESTORE
from services.common.named import NamedObject
from services.common.sweeping import GRACE

HALF_RESTORED = "a restore has not come to its end: run it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was looked at, and what is wrong: by the object's key where it is about one."""

    rows: int
    objects: int
    problems: dict[str, str]


def check_mesh(places: Sequence[Place], *, quick: bool = False, grace: dt.timedelta = GRACE) -> Checked:
    """Look through the databases and stores of a mesh, which may be running; `quick` reads no object, sizes only.

    Raises:
        NotReady: a database is not at the revision that this program knows.
        Unavailable: a database or store cannot be reached.
    """
    for place in places:
        place.require_newest()
    censuses = _censuses(places)
    problems = _faults(places, censuses, quick=quick)
    if problems:  # some may have been removed since their rows were read
        censuses = _censuses(places)
        still = {key for census in censuses.values() for key in census.named}
        problems = {key: said for key, said in problems.items() if key in still}
    problems |= {said: said for said in dangling_rows(censuses)}
    problems |= {place.name: HALF_RESTORED for place in places if _is_half_restored(place)}
    now = dt.datetime.now(dt.UTC)
    for place in places:
        swept = place.sweep(place.engine, place.store, now, grace, True)  # noqa: FBT003 (a dry run)
        if swept.removed:
            said = f"no row names {swept.removed} objects of {swept.removed_bytes} bytes: see `oma admin sweep`"
            problems[f"{place.name}: sweep"] = said
    return _checked(censuses, problems)


def check_backup(path: Path, words: Sequence[Place]) -> Checked:
    """Look through a backup, with what the services know of their rows; every byte is read.

    Raises:
        NotFound, NotReady: no backup is there, it was interrupted, or this program does not know it.
    """
    folder = BackupFolder(path)
    manifest = folder.manifest()
    if broken := broken_files(folder, manifest) + unknown_revisions(manifest, words):
        return Checked(rows=0, objects=manifest.objects, problems={said: said for said in broken})
    censuses = {
        place.name: take_census(place, manifest.services[place.name].tables, partial(folder.rows, place.name))
        for place in words
    }
    listed = {found.key: found.named() for found in folder.objects()}
    there = {entry.key: entry for entry in folder.store.entries("")}
    named = {key for census in censuses.values() for key in census.named}
    problems = dict.fromkeys(named - listed.keys(), "is named by a row and not in the backup")
    problems |= dict.fromkeys((listed.keys() | there.keys()) - named, "is in the backup, and no row names it")
    problems |= {said: said for said in dangling_rows(censuses)}
    return _checked(censuses, problems | _faults_of(folder.store, listed, there, quick=False))


def broken_files(folder: BackupFolder, manifest: Manifest) -> list[str]:
    """Lists of a backup that are not what its manifest says."""
    files = {folder.object_list: manifest.objects_sha256}
    for name, service in manifest.services.items():
        files |= {folder.lines(name, table): said.sha256 for table, said in service.tables.items()}
    return [
        f"{path.relative_to(folder.path)} is not what the manifest says"
        for path, sha256 in files.items()
        if not path.is_file() or file_sha256(path) != sha256
    ]


def unknown_revisions(manifest: Manifest, places: Sequence[Place]) -> list[str]:
    found = []
    for place in places:
        said = manifest.services.get(place.name)
        if said is None:
            found.append(f"the backup has no {place.name}: name the services that it has")
        elif said.revision not in place.revisions():
            found.append(f"{place.name} is at revision {said.revision}, which only a newer program knows: use that one")
    return found


def _is_half_restored(place: Place) -> bool:
    return any(hold.reason.startswith(RESTORE) for hold in place.holds.all())


def _censuses(places: Sequence[Place]) -> dict[str, Census]:
    found = {}
    for place in places:
        with snapshot(place.engine) as connection:
            found[place.name] = take_census(place, table_names(connection), partial(read, connection))
    return found


def _faults(places: Sequence[Place], censuses: dict[str, Census], *, quick: bool) -> dict[str, str]:
    """What is wrong with an object, by its key."""
    faults = {
        key: f"is named by {service}, and the service that it belongs to does not know it"
        for key, service in not_shared(list(places), censuses).items()
    }
    for place in places:
        named = censuses[place.name].named
        owners = {key.split("/")[0] for key in named}
        there = {entry.key: entry for owner in sorted(owners) for entry in place.store.entries(f"{owner}/")}
        faults |= _faults_of(place.store, named, there, quick=quick)
    return faults


def _faults_of(
    store: ArtifactStore, named: Mapping[str, NamedObject], there: Mapping[str, Entry], *, quick: bool
) -> dict[str, str]:
    found = {}
    for key, promised in named.items():
        entry = there.get(key)
        if entry is None:
            found[key] = "is not there"
        elif promised.size_bytes not in (None, entry.size_bytes):
            found[key] = f"has {entry.size_bytes} bytes and not {promised.size_bytes}"
        elif not quick and promised.sha256 is not None and _sha256(store, key) != promised.sha256:
            found[key] = "is not what it was: its SHA-256 is another"
    return found


def _sha256(store: ArtifactStore, key: str) -> str | None:
    try:
        return hashlib.sha256(store.get(key)).hexdigest()
    except NotFound:  # removed since it was listed
        return None


def _checked(censuses: Mapping[str, Census], problems: dict[str, str]) -> Checked:
    rows = sum(sum(census.rows.values()) for census in censuses.values())
    return Checked(rows=rows, objects=len({k for c in censuses.values() for k in c.named}), problems=problems)
