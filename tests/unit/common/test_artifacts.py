"""The store keeps what it was given, to whom it was given, and nothing outside of its folder."""

from pathlib import Path

import pytest

from services.common.artifacts import FolderStore, delete_prefix, get_checked
from services.common.errors import InvalidInput, NotFound


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "artifacts")


def test_gives_back_what_was_put(store: FolderStore) -> None:
    ref = store.put("ann/out/1/0.png", b"abc", "image/png")
    assert get_checked(store, ref.key, ref.sha256, owner="ann") == b"abc"
    assert (ref.size_bytes, ref.media_type) == (3, "image/png")


def test_another_owners_object_does_not_exist(store: FolderStore) -> None:
    ref = store.put("ann/out/1/0.png", b"abc", "image/png")
    with pytest.raises(NotFound):
        get_checked(store, ref.key, ref.sha256, owner="an")


def test_changed_content_is_refused(store: FolderStore) -> None:
    ref = store.put("ann/out/1/0.png", b"abc", "image/png")
    store.put(ref.key, b"xyz", "image/png")
    with pytest.raises(InvalidInput, match="SHA-256"):
        get_checked(store, ref.key, ref.sha256, owner="ann")


@pytest.mark.parametrize(
    "key", ["../x", "ann/../bob/x", "/etc/passwd", "ann//x", "ann/.hidden", "ann", "ann/x\n", "a" * 600]
)
def test_a_key_that_leaves_the_folder_is_refused(store: FolderStore, key: str) -> None:
    with pytest.raises(InvalidInput):
        store.put(key, b"", "image/png")


def test_deleting_a_prefix_leaves_the_neighbours(store: FolderStore) -> None:
    for key in ("ann/out/1/0.png", "ann/out/1/1.png", "ann/out/10/0.png"):
        store.put(key, b"x", "image/png")
    assert delete_prefix(store, "ann/out/1/") == 2
    assert list(store.keys("ann/")) == ["ann/out/10/0.png"]


def test_what_is_absent_is_not_found_and_may_be_deleted(store: FolderStore) -> None:
    store.delete("ann/out/x")
    with pytest.raises(NotFound):
        store.get("ann/out/x")
