"""A store that comes back in time was never away, for whoever is patient; one that does not is named."""

from pathlib import Path

import pytest

from services.common.artifacts import ArtifactRef, FolderStore
from services.common.artifacts_patient import PatientStore
from services.common.errors import NotFound, Unavailable


class Failing(FolderStore):
    """Down for so many calls."""

    def __init__(self, folder: Path, *, calls: int) -> None:
        super().__init__(folder)
        self.calls_down = calls

    def put(self, key: str, content: bytes, media_type: str) -> ArtifactRef:
        self._fail()
        return super().put(key, content, media_type)

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        self._fail()
        return super().get(key, max_bytes=max_bytes)

    def _fail(self) -> None:
        if self.calls_down:
            self.calls_down -= 1
            raise Unavailable("down", reason="ARTIFACTS_DOWN")


def test_a_store_that_comes_back_loses_nothing(tmp_path: Path) -> None:
    slept: list[float] = []
    store = PatientStore(Failing(tmp_path, calls=5), patience_seconds=60, sleep=slept.append)
    ref = store.put("ann/style/a", b"abc", "image/png")
    assert store.get(ref.key) == b"abc"
    assert slept == [0.25, 0.5, 1, 2, 4]


def test_patience_has_an_end(tmp_path: Path) -> None:
    slept: list[float] = []
    store = PatientStore(Failing(tmp_path, calls=1000), patience_seconds=60, sleep=slept.append)
    with pytest.raises(Unavailable) as caught:
        store.put("ann/style/a", b"abc", "image/png")
    assert caught.value.reason == "ARTIFACTS_DOWN"
    assert 60 <= sum(slept) < 70


def test_what_waiting_does_not_help_is_told_at_once(tmp_path: Path) -> None:
    slept: list[float] = []
    store = PatientStore(FolderStore(tmp_path), patience_seconds=60, sleep=slept.append)
    with pytest.raises(NotFound):
        store.get("ann/style/a")
    assert slept == []
