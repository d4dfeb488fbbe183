"""Styles are read from the store once, kept up to a bound, and only for their owner."""

import hashlib
from pathlib import Path

import pytest

from services.background.model import StyleTargets
from services.background.styles import StyleShelf
from services.common.artifacts import FolderStore
from services.common.errors import InvalidInput, NotFound
from tests.fakes.styles import dreamstyler_file, lora_file


class CountingStore(FolderStore):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads: list[str] = []

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        self.reads.append(key)
        return super().get(key, max_bytes=max_bytes)

    def keep(self, key: str, content: bytes) -> str:
        self.put(key, content, "application/octet-stream")
        return hashlib.sha256(content).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path)


def test_a_style_is_read_once(store: CountingStore, targets: StyleTargets) -> None:
    sha256 = store.keep("ann/s/a", lora_file(targets.unet, targets.text, seed=1, trigger="ink"))
    shelf = StyleShelf(store, targets, max_bytes=2**26)
    first = shelf.adapter("ann/s/a", sha256, owner="ann")
    assert shelf.adapter("ann/s/a", sha256, owner="ann") is first
    assert store.reads == ["ann/s/a"]
    assert first.trigger == "ink"
    assert first.unet.keys() == targets.unet.keys()
    assert first.text.keys() == targets.text.keys()


def test_the_least_recently_used_leaves_first(store: CountingStore, targets: StyleTargets) -> None:
    hashes = {name: store.keep(f"ann/s/{name}", lora_file(targets.unet, seed=ord(name))) for name in "abc"}
    size = StyleShelf(store, targets, max_bytes=1).adapter("ann/s/a", hashes["a"], owner="ann").size_bytes
    shelf = StyleShelf(store, targets, max_bytes=2 * size)
    store.reads.clear()
    for name in "abacab":
        shelf.adapter(f"ann/s/{name}", hashes[name], owner="ann")
    assert [key[-1] for key in store.reads] == ["a", "b", "c", "b"]


def test_a_loaded_style_is_still_only_its_owners(store: CountingStore, targets: StyleTargets) -> None:
    sha256 = store.keep("ann/s/a", lora_file(targets.unet, seed=1))
    shelf = StyleShelf(store, targets, max_bytes=2**26)
    shelf.adapter("ann/s/a", sha256, owner="ann")
    with pytest.raises(NotFound):
        shelf.adapter("ann/s/a", sha256, owner="bob")


def test_a_deleted_style_is_not_drawn_in_any_more(store: CountingStore, targets: StyleTargets) -> None:
    sha256 = store.keep("ann/s/a", lora_file(targets.unet, seed=1))
    shelf = StyleShelf(store, targets, max_bytes=2**26)
    shelf.adapter("ann/s/a", sha256, owner="ann")
    store.delete("ann/s/a")
    with pytest.raises(NotFound):
        shelf.adapter("ann/s/a", sha256, owner="ann")
    assert shelf.size_bytes == 0


def test_a_deleted_style_leaves_the_memory_although_nobody_asks_for_it(
    store: CountingStore, targets: StyleTargets
) -> None:
    hashes = {name: store.keep(f"ann/s/{name}", lora_file(targets.unet, seed=ord(name))) for name in "ab"}
    shelf = StyleShelf(store, targets, max_bytes=2**26)
    for name, sha256 in hashes.items():
        shelf.adapter(f"ann/s/{name}", sha256, owner="ann")
    store.delete("ann/s/a")
    assert shelf.drop_deleted() == 1
    store.reads.clear()
    shelf.adapter("ann/s/b", hashes["b"], owner="ann")
    assert store.reads == []


def test_another_content_than_was_meant_is_refused(store: CountingStore, targets: StyleTargets) -> None:
    sha256 = store.keep("ann/s/a", lora_file(targets.unet, seed=1))
    store.keep("ann/s/a", lora_file(targets.unet, seed=2))
    with pytest.raises(InvalidInput) as caught:
        StyleShelf(store, targets, max_bytes=2**26).adapter("ann/s/a", sha256, owner="ann")
    assert caught.value.reason == "ARTIFACT_CHANGED"


def test_stage_tokens_of_another_width_are_refused(store: CountingStore, targets: StyleTargets) -> None:
    sha256 = store.keep("ann/s/a", dreamstyler_file(width=targets.text_width + 1, seed=1))
    with pytest.raises(InvalidInput) as caught:
        StyleShelf(store, targets, max_bytes=2**26).stage_tokens("ann/s/a", sha256, owner="ann")
    assert caught.value.reason == "STYLE_FAMILY"
