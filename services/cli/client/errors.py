"""What the gateway refuses, in the words that it chose."""

import httpx


class ApiError(Exception):
    """The gateway refused or could not be reached.

    `status` is HTTP's, 0 when no answer came. `reason` is for programs, the message for people.
    """

    def __init__(self, status: int, reason: str, message: str, *, request_id: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.request_id = request_id


def check(response: httpx.Response) -> httpx.Response:
    """The response if it is a success; its body must have been read, or belong to a stream that failed."""
    if response.is_success:
        return response
    response.read()
    try:
        error = response.json()["error"]
        raise ApiError(
            response.status_code, error["reason"], error["message"], request_id=error.get("request_id") or ""
        )
    except (ValueError, KeyError, TypeError):
        raise ApiError(
            response.status_code,
            "NOT_OUR_ANSWER",
            f"{response.url} answered {response.status_code} and not as the gateway does: is that its address?",
        ) from None
