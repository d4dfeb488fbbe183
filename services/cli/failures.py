"""How a command ends: every failure with a message that names the remedy and an exit code that scripts can use."""

from enum import IntEnum

from services.cli.client.errors import ApiError
from services.common.errors import (
    Cancelled,
    Conflict,
    Expired,
    Forbidden,
    InvalidInput,
    NotFound,
    NotReady,
    Overloaded,
    ServiceError,
    Unauthenticated,
    Unavailable,
)


class Exit(IntEnum):
    """Exit codes; docs/cli.md lists them."""

    DONE = 0
    BUG = 1
    USAGE = 2
    REFUSED = 3
    SIGNED_OUT = 4
    NOT_FOUND = 5
    UNAVAILABLE = 6
    JOB_FAILED = 7
    JOB_CANCELLED = 8
    DAMAGED = 9
    INTERRUPTED = 130


class CommandFailed(Exception):
    """A command did all that it could, and this is how it ended."""

    def __init__(self, message: str, *, reason: str, code: Exit) -> None:
        super().__init__(message)
        self.reason = reason
        self.code = code


_BY_STATUS = {0: Exit.UNAVAILABLE, 401: Exit.SIGNED_OUT, 404: Exit.NOT_FOUND, 429: Exit.UNAVAILABLE}
_BY_KIND: dict[type[ServiceError], Exit] = {
    Unauthenticated: Exit.SIGNED_OUT,
    NotFound: Exit.NOT_FOUND,
    Unavailable: Exit.UNAVAILABLE,
    Overloaded: Exit.UNAVAILABLE,
    Expired: Exit.UNAVAILABLE,
    InvalidInput: Exit.REFUSED,
    Conflict: Exit.REFUSED,
    NotReady: Exit.REFUSED,
    Forbidden: Exit.REFUSED,
    Cancelled: Exit.JOB_CANCELLED,
}
Expected = (ApiError, ServiceError, CommandFailed)
_SERVER_ERROR = 500


def exit_code(error: ApiError | ServiceError | CommandFailed) -> Exit:
    if isinstance(error, CommandFailed):
        return error.code
    if isinstance(error, ServiceError):
        return _BY_KIND[type(error)]
    return _BY_STATUS.get(error.status, Exit.UNAVAILABLE if error.status >= _SERVER_ERROR else Exit.REFUSED)
