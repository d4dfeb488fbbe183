"""A backup is one whole moment of a running mesh; what was restored from it is checked, and serves every picture."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col

from services.admin.backup import take_backup
from services.admin.check import check_backup, check_mesh
from services.admin.manifest import BackupFolder
from services.admin.places import Place, Whereabouts, open_places
from services.admin.restore import restore
from services.admin.sweeps import sweep_all
from services.common.artifacts import ArtifactSettings, FolderStore, delete_prefix
from services.common.errors import Conflict, InvalidInput, NotReady, Unavailable
from services.common.leases import EVERY_KIND, RESTORE
from services.gateway.tables import AssetFile, Picture
from tests.fakes.isolation import World
from tests.fakes.kept import places_in
from tests.fakes.postgres import Postgres
from tests.fakes.restored import bring_back, check_served_after_restore, quiet


async def test_a_restored_backup_passes_the_check_and_serves_every_picture(
    world: World, backup: Path, places: list[Place], tmp_path: Path
) -> None:
    assert check_backup(backup, places).problems == {}
    await check_served_after_restore(world, backup, places_in(tmp_path / "new"))


async def test_rows_and_objects_that_come_and_go_while_a_backup_is_taken_leave_it_whole(
    world: World, places: list[Place], tmp_path: Path
) -> None:
    artist, asset = world.artist, world.ids["asset_id"]
    added: list[str] = []

    def meanwhile() -> None:
        """Between the rows and the objects: a picture comes, and an asset goes for good."""
        if added:
            return
        row = Picture(account_id=artist.id, project_id=world.ids["project_id"], filename="x", width=1, height=1,
                      key=f"{artist.id}/gateway/pictures/late.png", sha256=hashlib.sha256(b"late").hexdigest(),
                      size_bytes=4, media_type="image/png")  # fmt: skip
        added.append(row.id)
        world.store.put(row.key, b"late", row.media_type)
        with world.gateway.db() as db:
            db.add(row)
            db.connection().execute(sa.delete(AssetFile).where(col(AssetFile.asset_id) == asset))
            db.commit()
        delete_prefix(world.store, f"{artist.id}/gateway/assets/{asset}/")

    path = tmp_path / "backup"
    manifest = take_backup(places, path, tell=quiet, while_copying=meanwhile)
    assert manifest.lost == []
    assert check_backup(path, places).problems == {}
    kept = {found.key for found in BackupFolder(path).objects()}
    assert f"{artist.id}/gateway/pictures/late.png" in kept
    assert not [key for key in kept if "/assets/" in key]


async def test_an_object_that_was_lost_before_is_named_and_the_rest_is_kept(
    world: World, places: list[Place], tmp_path: Path
) -> None:
    key = next(key for key in world.store.keys(f"{world.artist.id}/") if "/pictures/" in key and "/gateway/" in key)
    world.store.put(key, b"not what it was", "image/png")
    assert list(check_mesh(places).problems) == [key]
    path = tmp_path / "backup"
    assert take_backup(places, path, tell=quiet).lost == [key]
    with open_places(places_in(tmp_path / "new"), new=True) as target:
        assert list(restore(path, target, tell=quiet).problems) == [key]
        assert [hold for place in target for hold in place.holds.all()] == []


@pytest.mark.parametrize("what", ["object", "row", "extra", "manifest"])
async def test_a_damaged_backup_is_seen_and_not_restored(
    backup: Path, places: list[Place], tmp_path: Path, what: str
) -> None:
    some_object = next(path for path in sorted((backup / "objects").rglob("*")) if path.is_file())
    if what == "object":
        some_object.write_bytes(b"x")
    elif what == "row":
        file = backup / "rows/gateway/project.jsonl"
        file.write_bytes(file.read_bytes() * 2)
    elif what == "extra":
        some_object.with_name("stranger.png").write_bytes(b"x")
    else:
        (backup / "manifest.json").unlink()
        with pytest.raises(NotReady, match="interrupted"):
            check_backup(backup, places)
        return
    assert check_backup(backup, places).problems != {}
    if what == "extra":
        return
    target = places_in(tmp_path / "new")
    with open_places(target, new=True) as opened, pytest.raises((NotReady, InvalidInput)):
        restore(backup, opened, tell=quiet)


async def test_a_restore_into_what_is_not_empty_is_refused_and_changes_nothing(
    world: World, backup: Path, places: list[Place], tmp_path: Path
) -> None:
    with pytest.raises(Conflict, match="not empty"):
        restore(backup, places, tell=quiet)
    assert check_mesh(places).problems == {}
    target = places_in(tmp_path / "new")
    FolderStore(tmp_path / "new/artifacts").put("ann/gateway/x.png", b"x", "image/png")
    with open_places(target, new=True) as opened, pytest.raises(Conflict, match="objects of ann"):
        restore(backup, opened, tell=quiet)


async def test_an_interrupted_restore_is_seen_and_goes_on_when_it_is_run_again(
    world: World, backup: Path, tmp_path: Path
) -> None:
    target = places_in(tmp_path / "new")
    aside = backup.with_name("aside")
    some_object = next(path for path in sorted((backup / "objects").rglob("*"), reverse=True) if path.is_file())
    shutil.move(some_object, aside)  # it stops in the middle
    with open_places(target, new=True) as opened:
        with pytest.raises(Exception, match="no artifact"):
            restore(backup, opened, tell=quiet)
        assert {place.name for place in opened} <= check_mesh(opened).problems.keys()
        assert opened[0].queue.claim(["background"], worker="w", ttl_seconds=1) is None
        with pytest.raises(NotReady, match="only in part"):
            take_backup(opened, tmp_path / "half", tell=quiet)
        with pytest.raises(NotReady, match="only in part"):
            sweep_all(opened, dry_run=False)
        assert [hold.kind for hold in opened[0].holds.all() if hold.reason.startswith(RESTORE)] == [EVERY_KIND]
    shutil.move(aside, some_object)
    assert bring_back(backup, target) == {}


async def test_a_full_disk_leaves_no_backup_behind(places: list[Place], tmp_path: Path) -> None:
    def fill() -> None:
        raise Unavailable("the artifact store is full", reason="ARTIFACTS_FULL")

    with pytest.raises(Unavailable, match="no room"):
        take_backup(places, tmp_path / "backup", tell=quiet, while_copying=fill)
    assert not (tmp_path / "backup").exists()


async def test_a_backup_of_a_newer_program_is_refused_with_the_remedy(
    backup: Path, tmp_path: Path, places: list[Place]
) -> None:
    said = json.loads((backup / "manifest.json").read_text())
    said["services"]["gateway"]["revision"] = "9999"
    (backup / "manifest.json").write_text(json.dumps(said))
    with open_places(places_in(tmp_path / "new"), new=True) as opened, pytest.raises(NotReady, match="newer program"):
        restore(backup, opened, tell=quiet)


async def test_a_backup_goes_nowhere_where_something_is(places: list[Place], backup: Path) -> None:
    with pytest.raises(Conflict, match="new folder"):
        take_backup(places, backup, tell=quiet)


async def test_what_no_row_names_is_told(world: World, places: list[Place]) -> None:
    with world.gateway.engine.begin() as connection:
        connection.execute(sa.text("UPDATE asset_file SET asset_id = 'nobody'"))
    assert [said for said in check_mesh(places).problems if "asset_id names asset nobody" in said] != []


async def test_a_backup_of_one_machine_is_restored_into_postgresql(
    world: World, backup: Path, postgres: Postgres, tmp_path: Path
) -> None:
    artifacts = ArtifactSettings(folder=tmp_path / "new")
    names = ("gateway", "style_train")
    target = {name: Whereabouts(database_url=postgres.new_database(), artifacts=artifacts) for name in names}
    await check_served_after_restore(world, backup, target)
