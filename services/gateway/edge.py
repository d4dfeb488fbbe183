"""What happens around every HTTP request: its id, the headers that keep browsers careful, and one log line."""

import logging
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common.logs import await_owner
from services.common.request_ids import METADATA_KEY, accept_request_id
from services.common.telemetry.tracing import TRACEPARENT
from services.gateway.errors import error_response
from services.gateway.metrics import observing

log = logging.getLogger(__name__)

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
TOO_LARGE = 413


class Edge:
    """ASGI middleware around the whole application; plain, so that streams pass through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        structlog.contextvars.clear_contextvars()
        await_owner()
        headers = Headers(scope=scope)
        given = headers.get(METADATA_KEY)
        request_id = accept_request_id([(METADATA_KEY, given)] if given else [])
        answer = _Answer(scope, receive, send, request_id)
        started = time.monotonic()
        with observing(scope, parent=headers.get(TRACEPARENT, ""), status=lambda: answer.status):
            try:
                await self._app(scope, receive, answer.send)
            finally:
                log.info("request", extra=_line(scope, answer.status, started))


class _Answer:
    """The way out of one request."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self.status = 0
        self._scope, self._receive, self._send = scope, receive, send
        self._request_id = request_id
        self._replaced = False

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.status == TOO_LARGE and not _is_json(message):
                await self._refuse_size()
                return
            self._add_headers(message)
        await self._send(message)

    async def _refuse_size(self) -> None:
        """The framework's own limit on bodies answers in plain text; every error of ours has one form."""
        text = "more than this address takes: 32 MiB for a picture, 1 MiB for anything else"
        await error_response(TOO_LARGE, "TOO_LARGE", text)(self._scope, self._receive, self.send)
        self._replaced = True

    def _add_headers(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        headers[METADATA_KEY] = self._request_id
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        if self._scope["path"].startswith("/api/"):
            headers.setdefault("Cache-Control", "no-store")


def _is_json(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith("application/json")


def _line(scope: Scope, status: int, started: float) -> dict[str, object]:
    path = "/api/v1/files/…" if scope["path"].startswith("/api/v1/files/") else scope["path"]  # a link is a key
    seconds = round(time.monotonic() - started, 4)
    return {"method": scope["method"], "path": path, "status": status, "seconds": seconds}
