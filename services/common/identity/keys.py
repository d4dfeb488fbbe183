"""Ed25519 keys as files: one to sign with, any number to trust.

    python -m services.common.identity.keys <folder>

makes `<folder>/signing.pem` for whoever makes assertions, and `<folder>/trusted/gateway.pem` for whoever checks them.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from services.common.watched_files import FromFiles

SIGNING_FILE = Path("signing.pem")
TRUSTED_FOLDER = Path("trusted")
GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A public key, and who signs with it."""

    issuer: str
    public_key: Ed25519PublicKey


def key_id(public_key: Ed25519PublicKey) -> str:
    """The key's own name: a digest, so that no two keys can be given the same one."""
    return hashlib.sha256(public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:32]


def signing_key(file: Path) -> Callable[[], Ed25519PrivateKey]:
    """The private key in `file`, as it stands at each call.

    Raises:
        ValueError: absent, not a private Ed25519 key, or readable by every user of this machine.
    """

    def read() -> Ed25519PrivateKey:
        if file.stat().st_mode & 0o007:
            raise ValueError(f"{file} is open to every user of this machine: chmod 600 it")
        key = load_pem_private_key(file.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{file} is not an Ed25519 private key")  # noqa: TRY004 (about a file, not an argument)
        return key

    return FromFiles(lambda: [file], read)


def trusted_keys(folder: Path, *, look_seconds: float = 1.0) -> Callable[[], Mapping[str, TrustedKey]]:
    """Every public key of `folder` by its id, as it stands at each call.

    A file is named after who signs with its key: `gateway.pem`, or `gateway.<anything>.pem` while there are several.

    Raises:
        ValueError: no key at all, or a file that is not a public Ed25519 key.
    """

    def files() -> list[Path]:
        return sorted(folder.glob("*.pem"))

    def read() -> Mapping[str, TrustedKey]:
        keys = [_read_trusted(file) for file in files()]
        return {key_id(key.public_key): key for key in keys}

    if not files():
        raise ValueError(
            f"no key in {folder}: make some with `python -m services.common.identity.keys {folder.parent}`"
        )
    return FromFiles(files, read, look_seconds=look_seconds)


def _read_trusted(file: Path) -> TrustedKey:
    key = load_pem_public_key(file.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{file} is not an Ed25519 public key")  # noqa: TRY004 (about a file, not an argument)
    return TrustedKey(issuer=file.name.partition(".")[0], public_key=key)


def write_keys(folder: Path, key: Ed25519PrivateKey) -> None:
    """Write both halves of `key` below `folder`; the private one is its user's alone. Keys already there go."""
    trusted = folder / TRUSTED_FOLDER
    trusted.mkdir(parents=True, exist_ok=True)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name, content in ((TRUSTED_FOLDER / f"{GATEWAY}.pem", public), (SIGNING_FILE, private)):
        descriptor, temporary = tempfile.mkstemp(dir=folder)  # 0600 from its first moment
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).replace(folder / name)


def main() -> None:
    folder = Path(sys.argv[1])
    write_keys(folder, Ed25519PrivateKey.generate())
    print(f"{folder / SIGNING_FILE} signs; {folder / TRUSTED_FOLDER} is for those who check")  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
