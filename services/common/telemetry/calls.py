"""Counts, measures and traces calls: those that a service answers, and those that a process makes."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanKind

from services.common.errors import Code, ServiceError
from services.common.request_ids import current_request_id
from services.common.telemetry.metrics import PEER_SECONDS, RPC_ERRORS, RPC_SECONDS, RPCS_IN_FLIGHT
from services.common.telemetry.tracing import TRACEPARENT, begin_span, blame, span

_LEFT = (asyncio.CancelledError, GeneratorExit)


@contextmanager
def answering(
    method: str, metadata: Iterable[tuple[str, str | bytes]], remaining_seconds: Callable[[], float | None]
) -> Iterator[None]:
    """Around a call that we answer.

    Args:
        method: "/package.Service/Method", one of ours.
        metadata: the call's; its `traceparent` is followed.
        remaining_seconds: until the caller's deadline.
    """
    service, name = method.strip("/").split("/")
    parent = next((value for key, value in metadata if key == TRACEPARENT), "")
    answered = begin_span(
        f"{service}/{name}",
        kind=SpanKind.SERVER,
        parent=parent if isinstance(parent, str) else "",
        **{"rpc.system": "grpc", "rpc.service": service, "rpc.method": name, "oma.request_id": current_request_id()},
    )
    RPCS_IN_FLIGHT.labels(service, name).inc()
    began = time.monotonic()
    code, reason = "OK", ""
    try:
        yield
    except BaseException as error:
        code, reason = _outcome(error, remaining_seconds)
        blame(answered, error)
        raise
    finally:
        RPCS_IN_FLIGHT.labels(service, name).dec()
        RPC_SECONDS.labels(service, name, code).observe(time.monotonic() - began)
        if reason:
            RPC_ERRORS.labels(service, name, code, reason).inc()
        answered.end()


@contextmanager
def calling(peer: str) -> Iterator[None]:
    """Around a call that we make, whose errors are ours already; `peer` is the service in words."""
    began = time.monotonic()
    code = "OK"
    try:
        with span(peer, kind=SpanKind.CLIENT):
            yield
    except BaseException as error:
        code, _ = _outcome(error, lambda: None)
        raise
    finally:
        PEER_SECONDS.labels(peer, code).observe(time.monotonic() - began)


def _outcome(error: BaseException, remaining_seconds: Callable[[], float | None]) -> tuple[str, str]:
    """Status and reason; gRPC cancels those who are out of time and those whose caller left alike."""
    if isinstance(error, ServiceError):
        return error.code, error.reason
    if isinstance(error, _LEFT):
        remaining = remaining_seconds()
        if remaining is not None and remaining <= 0:
            return Code.DEADLINE_EXCEEDED, "DEADLINE"
        return Code.CANCELLED, "CALLER_LEFT"
    return "INTERNAL", "BUG"
