"""Both stores keep what they were given, for whom it was given, and nothing outside of their place."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.common.artifacts import (
    ArtifactSettings,
    ArtifactStore,
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
