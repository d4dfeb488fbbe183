"""`oma admin`, as an operator types it, on the databases of a mesh on one machine."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from services.admin.places import Place, open_places
from services.cli.__main__ import run
from services.cli.failures import Exit
from services.common.leases import EVERY_KIND, QUARANTINED, Lease
from services.gateway.tables import Account
from services.style_train.store import TrainingStore
from tests.fakes.kept import places_in

SECRET = "a prompt that nobody else may read"


class Mesh:
    """Two databases with jobs in them, and the commands on them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys

    def oma(self, *arguments: str, code: Exit = Exit.DONE) -> str:
        """What it printed."""
        assert run(["admin", *arguments, "--data", str(self.folder)]) == code, self.capsys.readouterr().err
        return self.capsys.readouterr().out

    def told(self, *arguments: str, code: Exit = Exit.DONE) -> Any:
        return json.loads(self.oma(*arguments, "--json", code=code))


@pytest.fixture
def mesh(tmp_path: Path, empty_database: Path, capsys: pytest.CaptureFixture[str]) -> Mesh:
    folder = tmp_path / "var"
    folder.mkdir()
    shutil.copy(empty_database, folder / "gateway.db")
    with open_places(places_in(folder), new=True) as (gateway, style_train):
        TrainingStore(style_train.engine, max_queued=9).migrate()
        with Session(gateway.engine) as db:
            db.add(Account(id="ann", email="ann@example.com", name="Ann", locale="ko", password_hash=""))
            db.commit()
    return Mesh(folder, capsys)


def add(place: Place, kind: str, owner: str = "ann") -> str:
    return place.queue.enqueue(kind=kind, owner=owner, payload={"prompt": SECRET}).id


def taken(place: Place, kind: str) -> Lease:
    lease = place.queue.claim([kind], worker="w1", ttl_seconds=60)
    assert lease is not None
    return lease


def test_jobs_are_told_by_state_and_owner_and_never_with_what_was_asked(mesh: Mesh) -> None:
    with open_places(places_in(mesh.folder)) as (gateway, style_train):
        waiting, stuck = add(gateway, "background", "bob"), add(style_train, "style")
        taken(style_train, "style").quarantine("it hangs")
    told = mesh.told("jobs")
    assert {job["id"] for job in told["jobs"]} == {waiting, stuck}
    assert told["counts"] == {"gateway": {"queued": 1}, "style_train": {"failed": 1}}
    assert [job["id"] for job in mesh.told("jobs", "--state", "quarantined")["jobs"]] == [stuck]
    assert [job["owner"] for job in mesh.told("jobs", "--owner", "bob")["jobs"]] == ["bob"]
    assert [job["reason"] for job in mesh.told("jobs", "--service", "style_train")["jobs"]] == [QUARANTINED]
    assert mesh.told("jobs", "--kind", "export")["jobs"] == []
    assert SECRET not in mesh.oma("jobs") + mesh.oma("jobs", "--json")
    mesh.oma("jobs", "--state", "lost", code=Exit.REFUSED)
    mesh.oma("jobs", "--service", "pose", code=Exit.USAGE)


def test_a_job_leaves_quarantine_with_the_training_that_it_follows(mesh: Mesh) -> None:
    with open_places(places_in(mesh.folder)) as (gateway, style_train):
        training, job = add(style_train, "style"), add(gateway, "training")
        taken(style_train, "style").quarantine("it hangs")
        lease = taken(gateway, "training")
        lease.checkpoint({"training_id": training}, reached=1)
        lease.quarantine("the training was set aside")
        assert {row["id"] for row in mesh.told("requeue", job)} == {training, job}
        assert {taken(gateway, "training").job.id, taken(style_train, "style").job.id} == {training, job}
    mesh.oma("requeue", job, code=Exit.REFUSED)
    mesh.oma("requeue", "0" * 32, code=Exit.NOT_FOUND)
    mesh.oma("requeue", code=Exit.USAGE)


def test_all_of_the_quarantine_is_emptied_at_once_and_other_failures_when_named(mesh: Mesh) -> None:
    with open_places(places_in(mesh.folder)) as (gateway, style_train):
        stuck, failed = add(style_train, "style"), add(gateway, "background")
        taken(style_train, "style").quarantine("it hangs")
        taken(gateway, "background").fail("PEER_DOWN", "away")
    assert [row["id"] for row in mesh.told("requeue", "--all")] == [stuck]
    mesh.oma("requeue", failed, code=Exit.REFUSED)
    assert [row["state"] for row in mesh.told("requeue", failed, "--failed")] == ["queued"]


def test_while_drained_nothing_is_taken_up_and_what_runs_is_waited_for(mesh: Mesh) -> None:
    with open_places(places_in(mesh.folder)) as (gateway, style_train):
        first, second = add(gateway, "background"), add(gateway, "background")
        lease = taken(gateway, "background")
        said = mesh.told("drain", "--wait", "0.1", code=Exit.UNAVAILABLE)
        assert (said["running"], [hold["kind"] for hold in said["holds"]]) == (1, [EVERY_KIND, EVERY_KIND])
        assert gateway.queue.claim(["background"], worker="w", ttl_seconds=60) is None
        lease.finish({})
        assert mesh.told("drain", "--wait", "5")["running"] == 0
        assert len(mesh.told("jobs")["holds"]) == 2
        assert mesh.told("drain", "--off")["holds"] == []
        assert taken(gateway, "background").job.id in (first, second)
        mesh.oma("drain", "--kind", "style", "--service", "style_train")
        add(style_train, "style")
        assert style_train.queue.claim(["style"], worker="w", ttl_seconds=60) is None


def test_quotas_and_links_are_for_accounts_that_are_there(mesh: Mesh) -> None:
    assert mesh.told("quota", "ann@example.com", "drawings_a_day=20")["drawings_a_day"] == 20
    assert mesh.told("quota", "Ann@example.com")["drawings_a_day"] == 20
    assert mesh.told("quota", "ann@example.com", "drawings_a_day=")["drawings_a_day"] is None
    mesh.oma("quota", "ann@example.com", "wishes=3", code=Exit.REFUSED)
    mesh.oma("quota", "nobody@example.com", code=Exit.NOT_FOUND)
    assert "/reset-password#" in mesh.oma("reset-link", "ann@example.com")


def test_sweep_backup_check_and_restore_are_one_command_each(mesh: Mesh, tmp_path: Path) -> None:
    assert {row["removed"] for row in mesh.told("sweep", "--dry-run")} == {0}
    backup = str(tmp_path / "backup")
    assert mesh.told("backup", backup)["objects"] == 0
    assert mesh.told("backup", backup, "--check") == {"rows": 1, "objects": 0, "problems": {}}
    mesh.oma("backup", backup, code=Exit.REFUSED)
    mesh.oma("backup", str(tmp_path / "none"), "--check", code=Exit.NOT_FOUND)
    mesh.oma("restore", backup, code=Exit.REFUSED)
    restored = Mesh(tmp_path / "new", mesh.capsys)
    assert restored.told("restore", backup)["problems"] == {}
    assert restored.told("check") == {"rows": 1, "objects": 0, "problems": {}}
    with open_places(places_in(restored.folder)) as places, Session(places[0].engine) as db:
        account = db.get(Account, "ann")
        assert account is not None
        db.delete(account)
        db.commit()
        add(places[0], "background")
    assert "names account ann" in restored.oma("check", code=Exit.DAMAGED)


def test_where_no_database_is_the_remedy_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["admin", "jobs", "--data", str(tmp_path)]) == Exit.NOT_FOUND
    assert "--data" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_database_of_another_version_is_refused_with_the_remedy(
    mesh: Mesh, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_places(places_in(mesh.folder)) as places, places[0].engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert run(["admin", "check", "--data", str(mesh.folder)]) == Exit.REFUSED
    assert "start this version's service once" in capsys.readouterr().err
