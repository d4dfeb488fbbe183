"""One line of JSON for each log record: its service, its request and trace, and whose work it belongs to.

No line says what somebody asked for: what was written or drawn is not logged, and neither are the words of an exception
that may quote it.
"""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog
from structlog.typing import ExcInfo

from services.common.errors import ServiceError
from services.common.telemetry.tracing import current_trace_id

_SPEAKING = ("grpc", "urllib3", "minio", "tritonclient")
_SPEAKING_ERRORS = ("OperationalError", "InterfaceError")  # of databases: that they cannot be reached

_owners: ContextVar[list[str] | None] = ContextVar("owners", default=None)


def configure_logging(service: str, *, level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's records to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(json_lines(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpcore", "alembic.runtime.migration"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def json_lines(service: str) -> logging.Formatter:
    """Makes the lines of one process."""

    def add_belonging(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        if trace_id := current_trace_id():
            event["trace_id"] = trace_id
        if owners := _owners.get():
            event.setdefault("owner", owners[-1])
        return event

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            add_belonging,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(careful_traceback),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def await_owner() -> None:
    """From here on, lines of this context name the owner as soon as `owner_is` is told, in whatever thread of it."""
    _owners.set([])


def owner_is(owner: str) -> None:
    """Whose request is being answered; said where that is found out."""
    if (owners := _owners.get()) is not None:
        owners.append(owner)


def careful_traceback(exc_info: ExcInfo) -> str:
    """Where it happened and what kind of error it was, causes first; its words only where they quote nobody."""
    return "\n\nwhich led to\n\n".join(reversed(list(_told(exc_info[1]))))


def _told(error: BaseException | None) -> Iterator[str]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = "".join(traceback.format_tb(error.__traceback__))
        yield f"{frames}{type(error).__module__}.{type(error).__qualname__}: {_words(error)}"
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _told(member)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _words(error: BaseException) -> str:
    kind = type(error)
    ours = isinstance(error, ServiceError | OSError)
    if ours or kind.__module__.startswith(_SPEAKING) or kind.__name__ in _SPEAKING_ERRORS:
        return str(error)
    return "(its words are not logged: they may quote a request)"
