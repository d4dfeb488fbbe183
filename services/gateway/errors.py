"""Every failure leaves as one JSON form, whatever raised it."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.common.databases import DOWN, database_down
from services.common.errors import Code, InvalidInput, Overloaded, ServiceError
from services.common.request_ids import current_request_id
from services.gateway.schemas import ErrorAnswer, ErrorDetail

log = logging.getLogger(__name__)

STATUS = {
    Code.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    Code.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Code.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    Code.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Code.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    Code.FAILED_PRECONDITION: HTTPStatus.CONFLICT,
    Code.CANCELLED: HTTPStatus.CONFLICT,
    Code.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    Code.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
}
_SHOWN_PROBLEMS = 5

ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": text}
    for status, text in {
        400: "What is asked cannot be done; the message says what to change.",
        401: "Not signed in.",
        403: "Without CSRF token, or from another site's page.",
        404: "Not there, or another account's.",
        409: "It exists already, or is not ready for this.",
        413: "Too large.",
        422: "The body does not have the right shape.",
        429: "Too much at once; see Retry-After.",
        503: "A service is down; try again soon.",
    }.items()
}


_AS_JSON = {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorAnswer.__name__}"}}}
ANSWERS_OF_STREAMS: dict[int | str, dict[str, Any]] = {  # a stream's route would describe its errors as streams too
    status: {"description": answer["description"], "content": _AS_JSON} for status, answer in ANSWERS.items()
}


class TooLarge(InvalidInput):
    """An upload past its limit; HTTP has a status of its own for it."""


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    for error in DOWN:
        app.add_exception_handler(error, _database_down)
    app.add_exception_handler(Exception, _bug)


def error_response(status: int, reason: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    detail = ErrorDetail(reason=reason, message=message, request_id=current_request_id())
    return JSONResponse(ErrorAnswer(error=detail).model_dump(), status, headers)


async def _service_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if isinstance(error, TooLarge) else STATUS[error.code]
    headers = {}
    if isinstance(error, Overloaded):
        headers["Retry-After"] = str(max(1, round(error.retry_after_seconds)))
    return error_response(status, error.reason, str(error), headers)


async def _database_down(request: Request, error: Exception) -> JSONResponse:
    log.warning("the database cannot be reached", exc_info=error)
    return await _service_error(request, database_down())


async def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
    more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
    return error_response(422, "VALIDATION", "; ".join(problems[:_SHOWN_PROBLEMS]) + more)


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    reason = HTTPStatus(error.status_code).name
    return error_response(error.status_code, reason, str(error.detail), dict(error.headers or {}))


async def _bug(request: Request, error: Exception) -> JSONResponse:
    route = getattr(request.scope.get("route"), "path", "an unknown route")  # never the path: a file's link is a key
    log.error("unhandled error in %s %s", request.method, route, exc_info=error)
    return error_response(500, "BUG", "internal error: try again, and tell us the request_id if it stays")
