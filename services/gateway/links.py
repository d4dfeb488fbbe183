"""Short-lived links to stored files: whoever holds one may read that file until it expires, and nothing else."""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.common.errors import NotFound

LIFETIME_SECONDS = 900
_STEP_SECONDS = 300  # links made within one step are equal, so that a browser's cache works
_MAC_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedFile:
    """What a link gives access to."""

    key: str
    media_type: str


class Links:
    """Makes and opens links signed with one secret, which all replicas share."""

    def __init__(self, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock

    def url(self, key: str, media_type: str) -> str:
        """A relative link that works for at most LIFETIME_SECONDS, and at least for two thirds of them."""
        expires = int(self._clock()) // _STEP_SECONDS * _STEP_SECONDS + LIFETIME_SECONDS
        claim = json.dumps([key, media_type, expires], separators=(",", ":")).encode()
        token = base64.urlsafe_b64encode(self._mac(claim) + claim).rstrip(b"=").decode()
        return f"/api/v1/files/{token}"

    def open(self, token: str) -> LinkedFile:
        """Raises NotFound for a forged, damaged or expired link, always in the same words."""
        try:
            content = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            mac, claim = content[:_MAC_BYTES], content[_MAC_BYTES:]
            good = hmac.compare_digest(mac, self._mac(claim))
            key, media_type, expires = json.loads(claim) if good else ("", "", 0)
        except (binascii.Error, ValueError):
            expires = 0
        if expires <= self._clock():
            raise NotFound("this link has expired: reload the page for a new one", reason="LINK_EXPIRED")
        return LinkedFile(key=key, media_type=media_type)

    def _mac(self, claim: bytes) -> bytes:
        return hmac.digest(self._secret, b"file-link:" + claim, hashlib.sha256)


def load_secret(path: Path) -> bytes:
    """The secret in `path`; made there, readable by its owner only, when there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(draft, path)  # atomic: of two that start at once, the first one's secret stays
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return bytes.fromhex(path.read_text(encoding="ascii"))
