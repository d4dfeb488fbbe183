"""The manifest names every file of the family with its hash, and refuses what does not belong."""

from pathlib import Path

import pytest

from models.webtoon_tiny import manifest
from models.webtoon_tiny.training import WEIGHTS

RECORD = {"seed": 1, "steps": 2, "pictures": 3, "seconds": 4, "measured": {}}


def a_family(folder: Path) -> Path:
    (folder / "vae").mkdir()
    (folder / "vae" / "model.safetensors").write_bytes(b"weights")
    manifest.refresh(folder, {"vae": RECORD})
    return folder


def test_the_shipped_weights_are_as_recorded() -> None:
    manifest.check(WEIGHTS)


def test_the_shipped_manifest_says_licence_size_and_how_each_network_was_trained() -> None:
    shipped = manifest.read()
    assert shipped["licence"] == "Apache-2.0"
    assert shipped["resolution"] % shipped["size_step"] == 0
    for record in shipped["training"].values():
        assert record["measured"]
        assert record["steps"] > 0


def test_a_refreshed_folder_passes_its_check(tmp_path: Path) -> None:
    manifest.check(a_family(tmp_path))


def test_a_changed_a_missing_and_an_added_file_are_each_named(tmp_path: Path) -> None:
    weights = a_family(tmp_path) / "vae" / "model.safetensors"
    weights.write_bytes(b"weightz")
    with pytest.raises(manifest.ManifestError, match=r"vae/model\.safetensors"):
        manifest.check(tmp_path)
    weights.write_bytes(b"weights")
    (tmp_path / "extra.json").write_text("{}")
    with pytest.raises(manifest.ManifestError, match=r"extra\.json"):
        manifest.check(tmp_path)
    (tmp_path / "extra.json").unlink()
    weights.unlink()
    with pytest.raises(manifest.ManifestError, match=r"vae/model\.safetensors"):
        manifest.check(tmp_path)


@pytest.mark.parametrize("name", ["model.bin", "losses.jsonl", "model.pt"])
def test_pickles_and_logs_are_refused(tmp_path: Path, name: str) -> None:
    a_family(tmp_path)
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(manifest.ManifestError, match="does not belong"):
        manifest.refresh(tmp_path)


def test_a_record_without_its_seed_is_refused(tmp_path: Path) -> None:
    incomplete = {key: value for key, value in RECORD.items() if key != "seed"}
    with pytest.raises(manifest.ManifestError, match="seed"):
        manifest.refresh(tmp_path, {"vae": incomplete})


def test_a_link_is_refused(tmp_path: Path) -> None:
    a_family(tmp_path)
    (tmp_path / "link.json").symlink_to(tmp_path / "manifest.json")
    with pytest.raises(manifest.ManifestError, match="link"):
        manifest.refresh(tmp_path)
