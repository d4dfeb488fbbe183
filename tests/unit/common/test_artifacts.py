"""Both stores keep what they were given, for whom it was given, and nothing outside of their place."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.common.artifacts import (
    WITH_SECRETS,
    ArtifactSettings,
    ArtifactStore,
    FolderStore,
    S3Settings,
    delete_prefix,
    get_checked,
    open_store,
)
from services.common.errors import InvalidInput, NotFound, Unavailable
from tests.fakes.seaweedfs import SeaweedFS


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "folder":
        return open_store(ArtifactSettings(folder=tmp_path / "artifacts"))
    s3: SeaweedFS = request.getfixturevalue("seaweedfs")
    return open_store(ArtifactSettings(s3=s3.new_bucket()))


def test_gives_back_what_was_put(store: ArtifactStore) -> None:
    ref = store.put("ann/out/1/0.png", b"abc", "image/png")
    assert get_checked(store, ref.key, ref.sha256, owner="ann") == b"abc"
    assert (ref.size_bytes, ref.media_type) == (3, "image/png")


def test_another_owners_object_does_not_exist(store: ArtifactStore) -> None:
    ref = store.put("ann/out/1/0.png", b"abc", "image/png")
    with pytest.raises(NotFound):
        get_checked(store, ref.key, ref.sha256, owner="an")


def test_changed_content_is_refused(store: ArtifactStore) -> None:
    ref = store.put("ann/out/1/0.png", b"abc", "image/png")
    store.put(ref.key, b"xyz", "image/png")
    with pytest.raises(InvalidInput, match="SHA-256"):
        get_checked(store, ref.key, ref.sha256, owner="ann")


@pytest.mark.parametrize(
    "key", ["../x", "ann/../bob/x", "/etc/passwd", "ann//x", "ann/.hidden", "ann", "ann/x\n", "a" * 600]
)
def test_a_key_that_leaves_the_folder_is_refused(store: ArtifactStore, key: str) -> None:
    with pytest.raises(InvalidInput):
        store.put(key, b"", "image/png")


def test_deleting_a_prefix_leaves_the_neighbours(store: ArtifactStore) -> None:
    for key in ("ann/out/1/0.png", "ann/out/1/1.png", "ann/out/10/0.png"):
        store.put(key, b"x", "image/png")
    assert delete_prefix(store, "ann/out/1/") == 2
    assert list(store.keys("ann/")) == ["ann/out/10/0.png"]


def test_what_is_absent_is_not_found_and_may_be_deleted(store: ArtifactStore) -> None:
    store.delete("ann/out/x")
    with pytest.raises(NotFound):
        store.get("ann/out/x")
    with pytest.raises(NotFound):
        store.stat("ann/out/x")


def test_an_object_is_known_without_reading_it(store: ArtifactStore) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2)
    store.put("ann/out/1/0.png", b"abc", "image/png")
    [listed] = store.entries("ann/")
    known = store.stat("ann/out/1/0.png")
    assert (known.key, known.size_bytes) == (listed.key, listed.size_bytes) == ("ann/out/1/0.png", 3)
    for entry in (listed, known):
        assert before < entry.modified_at < dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)


def test_owners_are_those_who_have_objects(store: ArtifactStore) -> None:
    assert store.owners() == []
    for key in ("bob/out/1/0.png", "ann/style/1/2/3.png", "ann/out/1/0.png"):
        store.put(key, b"x", "image/png")
    assert store.owners() == ["ann", "bob"]


def test_what_is_too_large_is_not_read(store: ArtifactStore) -> None:
    store.put("ann/out/x", bytes(1000), "image/png")
    assert len(store.get("ann/out/x", max_bytes=1000)) == 1000
    with pytest.raises(InvalidInput) as caught:
        store.get("ann/out/x", max_bytes=999)
    assert caught.value.reason == "ARTIFACT_TOO_LARGE"


def test_more_than_a_listings_page_is_listed(store: ArtifactStore) -> None:
    for index in range(1005):
        store.put(f"ann/out/{index:04d}", b"x", "image/png")
    assert len(list(store.keys("ann/"))) == 1005


def test_an_s3_server_that_cannot_be_reached_is_unavailable() -> None:
    nowhere = open_store(ArtifactSettings(s3=S3Settings(endpoint="127.0.0.1:1", secure=False)))
    with pytest.raises(Unavailable) as caught:
        nowhere.get("ann/out/x")
    assert caught.value.reason == "ARTIFACTS_DOWN"


def test_a_wrong_key_for_the_bucket_reads_nothing(seaweedfs: SeaweedFS) -> None:
    good = seaweedfs.new_bucket()
    open_store(ArtifactSettings(s3=good)).put("ann/out/x", b"abc", "image/png")
    stranger = good.model_copy(update={"secret_key": SecretStr("wrong")})
    with pytest.raises(Unavailable):
        open_store(ArtifactSettings(s3=stranger)).get("ann/out/x")


ONE_PUT = """
import resource, sys
from pathlib import Path
from services.common.artifacts import FolderStore
from services.common.errors import ServiceError
store = FolderStore(Path(sys.argv[1]))
store.put("ann/out/small", bytes(1000), "image/png")
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
try:
    store.put("ann/out/large", bytes(1_000_000), "image/png")
except ServiceError as error:
    print(error.code, error.reason, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
store.put("ann/out/later", bytes(1_000_000), "image/png")
"""


def test_a_full_disk_is_named_leaves_nothing_half_written_and_heals(tmp_path: Path) -> None:
    """A limit on file sizes makes a write fail in its middle, on any system, as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", ONE_PUT, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.startswith("UNAVAILABLE ARTIFACTS_FULL the artifact store is full: its operator must")
    assert sorted(path.name for path in (tmp_path / "ann/out").iterdir()) == ["later", "small"]


def test_what_a_dead_writer_left_is_discarded_once_it_is_old(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put("ann/out/whole", b"x", "image/png")
    old, new = tmp_path / "ann/out/.put-old", tmp_path / "ann/out/.put-new"
    for path in (old, new):
        path.write_bytes(b"half")
    an_hour_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    os.utime(old, (an_hour_ago.timestamp() - 60,) * 2)
    assert list(store.keys("ann/")) == ["ann/out/whole"]
    assert store.discard_unfinished(older_than=an_hour_ago) == 1
    assert (old.exists(), new.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "ann").write_bytes(b"a file where a folder should be")
    with pytest.raises(Unavailable) as caught:
        FolderStore(tmp_path).put("ann/out/x", b"abc", "image/png")
    assert caught.value.reason == "ARTIFACTS_DOWN"


def test_settings_keep_their_secrets_unless_they_are_told_to_whom_they_go() -> None:
    settings = ArtifactSettings(s3=S3Settings(access_key=SecretStr("who"), secret_key=SecretStr("sesame")))
    assert "sesame" not in settings.model_dump_json() + repr(settings)
    told = settings.model_dump(mode="json", context=WITH_SECRETS)
    assert ArtifactSettings.model_validate(told) == settings
