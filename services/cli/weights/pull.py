"""Fills a family's folder: everything arrives beside it, is compared with the manifest, and takes its place at once."""

import errno
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from services.cli.weights.sources import Source
from services.common.errors import InvalidInput, NotReady, ServiceError, Unavailable
from services.common.families import MANIFEST, Family, damaged_files, load_family

KINDS = {".safetensors", ".onnx", ".json", ".txt", ".md", ".model"}  # nothing that runs code when it is loaded
Tell = Callable[[str, int], None]  # a file, and how many bytes of it are here


def pull(source: Source, target: Path, *, manifest_sha256: str | None, tell: Tell) -> Family:
    """Make `target` the family that the source has; what is there already and whole stays.

    A pull that was interrupted goes on where it stopped. Until everything is there and right, `target` is as it was.

    Raises:
        InvalidInput: the manifest is not the one that was named, or names what may not be fetched.
        NotReady: it is no manifest of a family with a licence; or files are not what it says.
        NotFound, Unavailable: a file of the source is missing, or did not come through.
    """
    manifest = b"".join(source.read(MANIFEST, offset=0))
    digest = hashlib.sha256(manifest).hexdigest()
    if manifest_sha256 not in (None, digest):
        raise InvalidInput(f"the source's manifest has SHA-256 {digest}: it is another one", reason="OTHER_MANIFEST")
    if _is_there(target, manifest):
        return load_family(target)
    partial = target.with_name(f".{target.name}.{digest[:12]}.part")
    try:
        partial.mkdir(parents=True, exist_ok=True)
        (partial / MANIFEST).write_bytes(manifest)
        family = load_family(partial)
        for path in family.files:
            _check_path(path)
        for path, sha256 in family.files.items():
            _fetch(source, path, partial / path, sha256, tell)
        _take_place(partial, target)
    except OSError as error:
        raise _not_written(target, error) from error
    return load_family(target)


def _is_there(target: Path, manifest: bytes) -> bool:
    try:
        same = (target / MANIFEST).read_bytes() == manifest
    except OSError:
        return False
    return same and not damaged_files(load_family(target))


def _check_path(path: str) -> None:
    """A manifest is somebody's word: it may fill one folder, with weights and what describes them."""
    parts = PurePosixPath(path).parts
    if PurePosixPath(path).is_absolute() or "\\" in path or not parts or any(part.startswith(".") for part in parts):
        raise InvalidInput(f"the manifest names {path!r}, which is no place in a family's folder", reason="FILE_PATH")
    if PurePosixPath(path).suffix not in KINDS:
        raise InvalidInput(
            f"the manifest names {path!r}: a family is made of {', '.join(sorted(KINDS))} only", reason="FILE_KIND"
        )


def _fetch(source: Source, path: str, file: Path, sha256: str, tell: Tell) -> None:
    """Go on with a file that is here in part. One that is whole and wrong is removed, and comes anew the next time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    here = file.stat().st_size if file.exists() else 0
    if here and _sha256(file) == sha256:
        tell(path, here)
        return
    with file.open("ab") as written:
        for piece in source.read(path, offset=here):
            written.write(piece)
            here += len(piece)
            tell(path, here)
    if _sha256(file) != sha256:
        file.unlink()
        raise NotReady(
            f"{path} is not what the manifest says, and was removed: pull again; if it stays so, the source is damaged",
            reason="DAMAGED",
        )


def _take_place(partial: Path, target: Path) -> None:
    """The old family, if there is one, steps aside for an instant and is then removed."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    partial.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _not_written(target: Path, error: OSError) -> ServiceError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        message = f"no room for the family at {target}: free space and pull again, it goes on where it stopped"
        return Unavailable(message, reason="DISK_FULL")
    return NotReady(
        f"{target} cannot be written: {error.strerror}; name another folder with --to", reason="NOT_WRITTEN"
    )
