"""What happens around every RPC: request id, deadline, owner, and errors turned into google.rpc statuses."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import structlog
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.common.errors import InvalidInput, Overloaded, ServiceError
from services.common.identity.gate import Gate
from services.common.request_ids import METADATA_KEY, accept_request_id
from services.common.telemetry.calls import answering

log = logging.getLogger(__name__)

ERROR_DOMAIN = "oma"
# The same in plain words as in the google.rpc details, for callers that cannot read those.
REASON_KEY = "oma-reason"
RETRY_KEY = "oma-retry-after-seconds"


class _Unreadable:
    """Stands for a request whose bytes are no message of its type."""


def _readable(deserializer: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    """Without this the answer to such bytes is UNKNOWN, as if we were to blame, and a trace in the log for each."""
    if deserializer is None:
        return None

    def deserialize(content: bytes) -> Any:
        try:
            return deserializer(content)
        except DecodeError:
            return _Unreadable()

    return deserialize


class CallInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the type stubs only
    """Wraps every handler that takes one request, whether it answers once or many times.

    A call without a deadline is refused: nobody may wait for ever (`DEADLINE_REQUIRED`). The gate is asked once, when
    the call begins: a stream may outlive the assertion that it came in with.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method

        async def answer_once(request: Any, context: Any) -> Any:
            async with self._around(context, method, request):
                return await handler.unary_unary(request, context)

        async def answer_many(request: Any, context: Any) -> AsyncIterator[Any]:
            async with self._around(context, method, request):
                async for response in handler.unary_stream(request, context):
                    yield response

        if handler is None or method.startswith("/grpc."):
            return handler  # unknown methods, health and reflection are gRPC's own business
        codec = (_readable(handler.request_deserializer), handler.response_serializer)
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(answer_once, *codec)
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(answer_many, *codec)
        raise TypeError(f"{method} takes a stream of requests; none of ours may")

    @asynccontextmanager
    async def _around(self, context: Any, method: str, request: Any) -> AsyncIterator[None]:
        metadata = context.invocation_metadata() or ()
        request_id = accept_request_id(metadata)
        context.set_trailing_metadata(((METADATA_KEY, request_id),))
        try:
            with answering(method, metadata, context.time_remaining):
                if isinstance(request, _Unreadable):
                    raise InvalidInput("the request is not a message of this call's type", reason="BAD_MESSAGE")
                owner = self._gate.admit(context, method, request)
                structlog.contextvars.bind_contextvars(owner=owner)
                if context.time_remaining() is None:
                    raise InvalidInput("set a deadline on the call", reason="DEADLINE_REQUIRED")
                yield
        except ServiceError as error:
            await _refuse(context, error, request_id)
        except grpc.aio.AbortError:
            raise
        except Exception:
            log.exception("unhandled error in %s", method)
            info = error_details_pb2.ErrorInfo(reason="BUG", domain=ERROR_DOMAIN)
            told = ((METADATA_KEY, request_id), (REASON_KEY, "BUG"))
            await _abort(context, grpc.StatusCode.INTERNAL, "internal error", [info], told)


async def _refuse(context: Any, error: ServiceError, request_id: str) -> None:
    metadata = [(METADATA_KEY, request_id), (REASON_KEY, error.reason)]
    if isinstance(error, Overloaded):
        metadata.append((RETRY_KEY, f"{error.retry_after_seconds:.3f}"))
    await _abort(context, grpc.StatusCode[error.code], str(error), _details(error), tuple(metadata))


def _details(error: ServiceError) -> list[Message]:
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN)]
    if isinstance(error, Overloaded):
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(round(error.retry_after_seconds * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return details


async def _abort(
    context: Any,
    code: grpc.StatusCode,
    message: str,
    details: list[Message],
    metadata: tuple[tuple[str, str], ...],
) -> None:
    packed = [any_pb2.Any() for _ in details]
    for box, detail in zip(packed, details, strict=True):
        box.Pack(detail)
    rich = rpc_status.to_status(status_pb2.Status(code=code.value[0], message=message, details=packed))
    await context.abort(rich.code, rich.details, (*rich.trailing_metadata, *metadata))
