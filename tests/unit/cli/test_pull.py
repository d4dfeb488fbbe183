"""`oma models pull`: a family arrives whole or not at all, and goes on where it stopped."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.cli.__main__ import run
from services.cli.failures import Exit
from services.cli.weights.pull import pull
from services.cli.weights.sources import FolderSource, WebSource, open_source
from services.common.artifacts import S3Settings
from services.common.artifacts_s3 import S3Store
from services.common.errors import InvalidInput, NotFound, NotReady, ServiceError, Unavailable
from tests.fakes.seaweedfs import SeaweedFS

FILES = {"unet/model.safetensors": bytes(range(256)) * 40, "model_index.json": b"{}"}


def quiet(_path: str, _count: int) -> None:
    """Nobody looks on."""


def manifest(files: dict[str, bytes] = FILES, **more: str) -> bytes:
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    said = {"name": "tiny", "licence": "Apache-2.0", "resolution": 64, "size_step": 16, "files": hashes}
    return json.dumps({**said, **more}).encode()


def publish(folder: Path, files: dict[str, bytes] = FILES, **more: str) -> Path:
    for path, content in {**files, "manifest.json": manifest(files, **more)}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture
def source(tmp_path: Path) -> FolderSource:
    return FolderSource(publish(tmp_path / "source/tiny"))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models/tiny/weights"


class WebServer:
    """Serves the files; breaks off after so many bytes, once."""

    def __init__(self, *, breaks_after: int | None = None, knows_ranges: bool = True) -> None:
        self.files = {**FILES, "manifest.json": manifest()}
        self.ranges: list[str] = []
        self._breaks_after = breaks_after
        self._knows_ranges = knows_ranges

    def __call__(self, request: httpx.Request) -> httpx.Response:
        content = self.files.get(request.url.path.removeprefix("/tiny/"))
        if content is None:
            return httpx.Response(404)
        asked = request.headers.get("range", "")
        self.ranges.append(asked)
        offset = int(asked.removeprefix("bytes=").rstrip("-") or 0) if self._knows_ranges else 0
        if asked and self._knows_ranges and offset >= len(content):
            return httpx.Response(416)
        status = 206 if asked and self._knows_ranges else 200
        return httpx.Response(status, content=self._parts(content[offset:]))

    def _parts(self, content: bytes) -> Iterator[bytes]:
        if self._breaks_after is not None and len(content) > self._breaks_after:
            cut, self._breaks_after = self._breaks_after, None
            yield content[:cut]
            raise httpx.ReadError("connection lost")
        yield content

    def source(self) -> WebSource:
        return WebSource("http://weights.test/tiny", transport=httpx.MockTransport(self))


def test_every_file_arrives_and_pulling_again_changes_nothing(source: FolderSource, target: Path) -> None:
    assert pull(source, target, manifest_sha256=None, tell=quiet).name == "tiny"
    assert contents(target) == FILES | {"manifest.json": manifest()}
    before = (target / "model_index.json").stat().st_ino
    pull(source, target, manifest_sha256=hashlib.sha256(manifest()).hexdigest(), tell=quiet)
    assert (target / "model_index.json").stat().st_ino == before
    assert [path.name for path in target.parent.iterdir()] == ["weights"]


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_pull_that_broke_off_goes_on_where_it_stopped(target: Path, knows_ranges: bool) -> None:  # noqa: FBT001
    server = WebServer(breaks_after=5000, knows_ranges=knows_ranges)
    with pytest.raises(Unavailable, match="goes on where it stopped"):
        pull(server.source(), target, manifest_sha256=None, tell=quiet)
    assert not target.exists()
    pull(server.source(), target, manifest_sha256=None, tell=quiet)
    assert contents(target) == FILES | {"manifest.json": manifest()}
    assert "bytes=5000-" in server.ranges


def test_until_all_is_there_and_right_the_old_family_stays(target: Path, tmp_path: Path) -> None:
    publish(target)
    newer = publish(tmp_path / "newer", {**FILES, "model_index.json": b'{"v": 2}'})
    (newer / "unet/model.safetensors").write_bytes(b"not what the manifest says")
    with pytest.raises(NotReady, match="pull again"):
        pull(FolderSource(newer), target, manifest_sha256=None, tell=quiet)
    assert contents(target)["model_index.json"] == b"{}"
    (newer / "unet/model.safetensors").write_bytes(FILES["unet/model.safetensors"])
    pull(FolderSource(newer), target, manifest_sha256=None, tell=quiet)
    assert contents(target)["model_index.json"] == b'{"v": 2}'
    assert [path.name for path in target.parent.iterdir()] == ["weights"]


@pytest.mark.parametrize(
    "path", ["../outside.json", "/etc/x.json", "a/../../x.json", ".hidden.json", "a\\x.json", "unet/model.bin", "x.py"]
)
def test_a_manifest_that_names_what_is_no_weights_is_refused(tmp_path: Path, target: Path, path: str) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "manifest.json").write_bytes(manifest({path: b"x"}))
    with pytest.raises(InvalidInput):
        pull(FolderSource(folder), target, manifest_sha256=None, tell=quiet)
    assert not target.exists()


def test_a_family_without_a_licence_or_with_another_manifest_is_refused(source: FolderSource, target: Path) -> None:
    with pytest.raises(InvalidInput, match="another one"):
        pull(source, target, manifest_sha256="0" * 64, tell=quiet)
    publish(target.parent / "bad", licence="")
    with pytest.raises(NotReady):
        pull(FolderSource(target.parent / "bad"), target, manifest_sha256=None, tell=quiet)
    assert not target.exists()


@pytest.mark.parametrize("given", ["s3://models", "ftp://x/y"])
def test_a_source_that_is_none_is_refused_with_what_would_be_one(given: str) -> None:
    with pytest.raises(ServiceError):
        open_source(given, S3Settings())


def test_a_bucket_is_a_source_and_goes_on_in_the_middle(seaweedfs: SeaweedFS, target: Path) -> None:
    settings = seaweedfs.new_bucket()
    store = S3Store(settings)
    for path, content in {**FILES, "manifest.json": manifest()}.items():
        store.put(f"families/tiny/{path}", content, "application/octet-stream")
    source = open_source(f"s3://{settings.bucket}/families/tiny", settings)
    assert b"".join(source.read("unet/model.safetensors", offset=4000)) == FILES["unet/model.safetensors"][4000:]
    assert list(source.read("model_index.json", offset=2)) == []
    with pytest.raises(NotFound):
        list(source.read("nothing.json", offset=0))
    pull(source, target, manifest_sha256=None, tell=quiet)
    assert contents(target) == FILES | {"manifest.json": manifest()}


def test_the_command_fills_models_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMA_ROOT", str(tmp_path))
    publish(tmp_path / "source/tiny")
    assert run(["models", "pull", "tiny"]) == Exit.USAGE
    assert "--from" in capsys.readouterr().err
    assert run(["models", "pull", "other", "--from", str(tmp_path / "source")]) == Exit.NOT_FOUND
    capsys.readouterr()
    assert run(["models", "pull", "tiny", "--from", str(tmp_path / "source"), "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["files"] == 2
    assert run(["models", "verify"]) == Exit.DONE
