"""Whom the commands call, and as whom: the environment first, then what `oma account` wrote down."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path

from services.cli.client import Gateway
from services.cli.mesh.running import running_mesh
from services.cli.paths import credentials_file, default_data_folder
from services.common.errors import Unauthenticated

_opened: ContextVar[ExitStack | None] = ContextVar("opened", default=None)
USUAL_URL = "http://127.0.0.1:8600"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    url: str
    email: str
    token: str


def load_credentials(path: Path) -> Credentials | None:
    """What was saved; None when there is nothing that can be read."""
    try:
        return Credentials(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def save_credentials(path: Path, credentials: Credentials) -> None:
    """Only the user may read the file, from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(credentials), file, indent=2)
    temporary.replace(path)


def gateway_url() -> str:
    """OMA_URL, or the mesh that runs here, or where the account was made."""
    if url := os.environ.get("OMA_URL"):
        return url
    if mesh := running_mesh(default_data_folder()):
        return mesh.url
    saved = load_credentials(credentials_file())
    return saved.url if saved else USUAL_URL


@contextmanager
def gateways_closed_at_the_end() -> Iterator[None]:
    """Around a command: what it opens with `open_gateway` is closed when it ends."""
    with ExitStack() as stack:
        before = _opened.set(stack)
        try:
            yield
        finally:
            _opened.reset(before)


def open_gateway(*, signed_in: bool = True) -> Gateway:
    """A client of the gateway, as the user.

    Raises:
        Unauthenticated: there is no token.
    """
    gateway = _gateway(signed_in=signed_in)
    if (stack := _opened.get()) is not None:
        stack.callback(gateway.close)
    return gateway


def _gateway(*, signed_in: bool) -> Gateway:
    if not signed_in:
        return Gateway(gateway_url())
    saved = load_credentials(credentials_file())
    token = os.environ.get("OMA_TOKEN") or (saved.token if saved else None)
    if not token:
        raise Unauthenticated(
            "not signed in: `oma account sign-up`, `oma account token`, or set OMA_TOKEN", reason="NO_TOKEN"
        )
    return Gateway(gateway_url(), token=token)
