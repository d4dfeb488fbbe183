"""What no row names goes once it is old; whatever a row names, or will, stays. On a folder and on S3."""

import datetime as dt
import threading
from collections.abc import Collection
from pathlib import Path

import pytest

from services.common.artifacts import ArtifactSettings, ArtifactStore, open_store
from services.common.errors import Unavailable
from services.common.sweeping import Swept, sweep_prefix, sweeping_now_and_then
from tests.fakes.seaweedfs import SeaweedFS

LATER = dt.timedelta(days=2)
PREFIX = "ann/gateway/"


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "folder":
        return open_store(ArtifactSettings(folder=tmp_path / "artifacts"))
    s3: SeaweedFS = request.getfixturevalue("seaweedfs")
    return open_store(ArtifactSettings(s3=s3.new_bucket()))


class Rows:
    """A table of keys; `before_answer` is what other writers do while the sweep is at work."""

    def __init__(self, *keys: str) -> None:
        self.keys = set(keys)
        self.asked: list[str] = []

    def before_answer(self) -> None:
        pass

    def __call__(self, keys: Collection[str]) -> set[str]:
        self.before_answer()
        self.asked += keys
        return self.keys & set(keys)


def put(store: ArtifactStore, *names: str) -> None:
    for name in names:
        store.put(PREFIX + name, b"abc", "image/png")


def sweep(store: ArtifactStore, rows: Rows, *, age: dt.timedelta = LATER, dry_run: bool = False) -> Swept:
    """As of a moment by which what is there now is `age` old, with a day's grace."""
    older_than = dt.datetime.now(dt.UTC) + age - dt.timedelta(days=1)
    return sweep_prefix(store, PREFIX, named=rows, older_than=older_than, dry_run=dry_run)


def test_old_objects_without_a_row_go_and_the_others_stay(store: ArtifactStore) -> None:
    put(store, "a", "b", "c")
    store.put("ann/style/a", b"another service's", "image/png")
    swept = sweep(store, Rows(PREFIX + "b"))
    assert list(store.keys("ann/")) == [PREFIX + "b", "ann/style/a"]
    assert swept == Swept(seen=3, young=0, named=1, removed=2, removed_bytes=6)


def test_a_dry_run_counts_and_removes_nothing(store: ArtifactStore) -> None:
    put(store, "a", "b")
    assert sweep(store, Rows(), dry_run=True) == Swept(seen=2, removed=2, removed_bytes=6)
    assert len(list(store.keys(PREFIX))) == 2


def test_an_object_whose_row_is_not_written_yet_is_left_alone(store: ArtifactStore) -> None:
    rows = Rows()
    put(store, "early")
    assert sweep(store, rows, age=dt.timedelta()) == Swept(seen=1, young=1)
    assert rows.asked == []
    rows.keys.add(PREFIX + "early")  # within the grace
    assert sweep(store, rows).removed == 0
    assert list(store.keys(PREFIX)) == [PREFIX + "early"]


def test_a_row_written_while_the_sweep_is_at_work_counts(store: ArtifactStore) -> None:
    class Late(Rows):
        def before_answer(self) -> None:
            self.keys.add(PREFIX + "a")

    put(store, "a")
    assert sweep(store, Late()) == Swept(seen=1, named=1)


def test_an_object_written_again_while_the_sweep_is_at_work_stays(store: ArtifactStore) -> None:
    class Rewriting(Rows):
        def before_answer(self) -> None:
            first = store.stat(PREFIX + "a").modified_at
            while store.stat(PREFIX + "a").modified_at == first:  # S3 tells time in seconds
                put(store, "a")

    put(store, "a")
    assert sweep(store, Rewriting()).removed == 0
    assert list(store.keys(PREFIX)) == [PREFIX + "a"]


def test_an_object_that_another_sweep_removed_is_no_trouble(store: ArtifactStore) -> None:
    class Removing(Rows):
        def before_answer(self) -> None:
            store.delete(PREFIX + "a")

    put(store, "a", "b")
    assert sweep(store, Removing()).removed == 1


def test_a_database_that_fails_keeps_everything(store: ArtifactStore) -> None:
    class Failing(Rows):
        def before_answer(self) -> None:
            raise Unavailable("the database is down", reason="DATABASE_DOWN")

    put(store, "a")
    with pytest.raises(Unavailable):
        sweep(store, Failing())
    assert list(store.keys(PREFIX)) == [PREFIX + "a"]


def test_a_sweep_that_fails_is_tried_again() -> None:
    tries: list[dt.datetime] = []
    enough = threading.Event()

    def fail_once(now: dt.datetime) -> Swept:
        tries.append(now)
        if len(tries) == 1:
            raise Unavailable("the store is down", reason="ARTIFACTS_DOWN")
        enough.set()
        return Swept()

    with sweeping_now_and_then(fail_once, first_seconds=0.01, every_seconds=0.01):
        assert enough.wait(timeout=60)
