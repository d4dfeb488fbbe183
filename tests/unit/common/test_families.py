import json
from pathlib import Path
from typing import Any

import pytest

from services.common.errors import NotReady
from services.common.families import damaged_files, load_family

GOOD = {"name": "tiny", "licence": "Apache-2.0", "resolution": 128, "size_step": 16, "files": {"a.bin": "0" * 64}}


def write(folder: Path, **changes: Any) -> Path:
    (folder / "manifest.json").write_text(json.dumps({**GOOD, **changes}), encoding="utf-8")
    return folder


def test_a_manifest_says_what_the_family_is(tmp_path: Path) -> None:
    family = load_family(write(tmp_path))
    assert (family.name, family.resolution, family.folder) == ("tiny", 128, tmp_path)


@pytest.mark.parametrize("licence", ["", None])
def test_a_family_without_a_licence_does_not_load(tmp_path: Path, licence: str | None) -> None:
    with pytest.raises(NotReady) as caught:
        load_family(write(tmp_path, licence=licence))
    assert caught.value.reason == "BAD_MANIFEST"


def test_an_empty_folder_is_not_a_family(tmp_path: Path) -> None:
    with pytest.raises(NotReady) as caught:
        load_family(tmp_path)
    assert caught.value.reason == "NO_FAMILY"


def test_missing_and_changed_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(b"changed")
    family = load_family(write(tmp_path, files={"a.bin": "0" * 64, "b.bin": "1" * 64}))
    assert damaged_files(family) == ["a.bin", "b.bin"]
