"""Sends requests to the gateway, and sends again what may be sent again."""

import time
from typing import Any

import httpx

from services.cli.client.errors import ApiError, check

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
RETRIED_STATUSES = frozenset({429, 503})
NEVER_SENT = "UNREACHABLE"


class Transport:
    """One gateway and one caller.

    `patience_seconds` is how long a request that may safely be repeated is repeated while the gateway, or a service
    behind it, is away.
    """

    def __init__(self, http: httpx.Client, *, patience_seconds: float) -> None:
        self.http = http
        self._patience_seconds = patience_seconds

    def send(self, method: str, path: str, *, repeatable: bool | None = None, **body: Any) -> httpx.Response:
        """Send one request; `body` goes to httpx.

        Reads, and what carries an idempotency key, are repeated; `repeatable` says otherwise. What never reached the
        gateway is repeated in any case.

        Raises:
            ApiError: refused, or no answer within the patience.
        """
        if repeatable is None:
            repeatable = method in ("GET", "PUT", "DELETE") or "Idempotency-Key" in body.get("headers", {})
        give_up = time.monotonic() + self._patience_seconds
        pause_seconds = 0.25
        while True:
            try:
                return check(self._send_once(method, path, body))
            except ApiError as error:
                passing = error.status == 0 or error.status in RETRIED_STATUSES
                if not (passing and (repeatable or error.reason == NEVER_SENT)) or time.monotonic() >= give_up:
                    raise
            time.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, 4.0)

    def _send_once(self, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
        try:
            return self.http.request(method, path, **body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            where = f"no gateway at {self.http.base_url}: start one with `oma up`, or set OMA_URL"
            raise ApiError(0, NEVER_SENT, where) from error
        except httpx.TransportError as error:
            lost = (
                f"the connection to {self.http.base_url} was lost before it answered: see what it did, then try again"
            )
            raise ApiError(0, "CONNECTION_LOST", lost) from error
