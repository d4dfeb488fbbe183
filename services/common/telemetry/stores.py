"""Measures and traces requests to the artifact store."""

import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from opentelemetry.trace import SpanKind

from services.common.errors import NotFound, Unavailable
from services.common.telemetry.metrics import STORE_SECONDS
from services.common.telemetry.tracing import span

P = ParamSpec("P")
R = TypeVar("R")


def observed(operation: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates a store's method; which key it was is nobody's business."""

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(method)
        def observing(*args: P.args, **kwargs: P.kwargs) -> R:
            outcome, began = "error", time.monotonic()
            try:
                with span(f"store {operation}", kind=SpanKind.CLIENT):
                    answer = method(*args, **kwargs)
                outcome = "ok"
            except NotFound:
                outcome = "not_found"
                raise
            except Unavailable:
                outcome = "unavailable"
                raise
            else:
                return answer
            finally:
                STORE_SECONDS.labels(operation, outcome).observe(time.monotonic() - began)

        return observing

    return decorate
