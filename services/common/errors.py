"""Every failure a caller can act on.

    ServiceError
    ├── InvalidInput      the request is wrong; do not retry
    ├── NotFound          the thing named does not exist, or is another owner's
    ├── Conflict          it exists already with another content
    ├── NotReady          the thing named is not in a state that allows this
    ├── Unauthenticated   who calls is not known
    ├── Forbidden         who calls is known, but may not do this in this way
    ├── Overloaded        the queue is full; retry later
    ├── Expired           the caller's deadline passed
    ├── Cancelled         the caller left, or its owner asked to stop
    └── Unavailable       a dependency is down; retry later

Anything else that escapes an RPC is a bug, and reaches the caller as INTERNAL
without its message. No gRPC here: engines raise these too.
"""

from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """A subset of gRPC's status codes, under gRPC's own names."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    CANCELLED = "CANCELLED"
    UNAVAILABLE = "UNAVAILABLE"


class ServiceError(Exception):
    """Base of the tree. `reason` is for programs, the message for people; it names the remedy."""

    code: ClassVar[Code]

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class InvalidInput(ServiceError):
    code = Code.INVALID_ARGUMENT


class NotFound(ServiceError):
    code = Code.NOT_FOUND


class Conflict(ServiceError):
    code = Code.ALREADY_EXISTS


class NotReady(ServiceError):
    code = Code.FAILED_PRECONDITION


class Unauthenticated(ServiceError):
    code = Code.UNAUTHENTICATED


class Forbidden(ServiceError):
    code = Code.PERMISSION_DENIED


class Overloaded(ServiceError):
    code = Code.RESOURCE_EXHAUSTED

    def __init__(self, message: str, *, reason: str, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_seconds = retry_after_seconds


class Expired(ServiceError):
    code = Code.DEADLINE_EXCEEDED


class Cancelled(ServiceError):
    code = Code.CANCELLED


class Unavailable(ServiceError):
    code = Code.UNAVAILABLE
