"""The id that follows one request through every service, by metadata and into every log line."""

import re
import uuid
from collections.abc import Iterable

import structlog

METADATA_KEY = "x-request-id"
_GOOD = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def accept_request_id(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """The caller's id if it is a plain one, else a new one; bound to the log context from here on."""
    given = next((value for key, value in metadata if key == METADATA_KEY), "")
    request_id = given if isinstance(given, str) and _GOOD.match(given) else uuid.uuid4().hex
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id


def current_request_id() -> str:
    """The id of the request being served, or a new one outside of any."""
    bound = structlog.contextvars.get_contextvars().get("request_id")
    return bound if isinstance(bound, str) else uuid.uuid4().hex
