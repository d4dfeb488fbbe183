"""What a failed call says."""

from dataclasses import dataclass
from typing import Any

import grpc

REASON_KEY, RETRY_KEY, REQUEST_KEY = "oma-reason", "oma-retry-after-seconds", "x-request-id"
_PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A failed call. `reason` is for programs, `message` for people; `request_id` finds it in the services' logs."""

    code: grpc.StatusCode
    reason: str  # empty where the call did not reach a service
    message: str
    request_id: str
    retry_after_seconds: float

    @property
    def passes(self) -> bool:
        """The same call may succeed later: the service is full, or cannot be reached."""
        return self.code in _PASSING


def refusal(error: grpc.RpcError) -> Refusal:
    """What `error`, as raised by a stub, says."""
    call: Any = error  # every error that a stub raises is a call too
    told = {key: value for key, value in call.trailing_metadata() or () if isinstance(value, str)}
    return Refusal(
        code=call.code(),
        reason=told.get(REASON_KEY, ""),
        message=call.details() or "",
        request_id=told.get(REQUEST_KEY, ""),
        retry_after_seconds=float(told.get(RETRY_KEY, "1")),
    )
