"""What the gateway counts, measures and traces of HTTP."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from opentelemetry.trace import INVALID_SPAN, SpanKind
from starlette.types import Scope

from services.common.request_ids import current_request_id
from services.common.telemetry.metrics import SECONDS_OF_CALLS, gauge, histogram
from services.common.telemetry.tracing import span

_API = "/api/v1"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

REQUEST_SECONDS = histogram(
    "oma_http_request_duration_seconds",
    "Requests, by the seconds until the end of the answer; an event stream's last as long as it is watched.",
    {
        "method": "HTTP's; `other` for one that HTTP does not know",
        "route": "template such as `/api/v1/jobs/{job_id}`; `none` where no route fits",
        "status": "of the answer; `0` where the client left before it",
    },
    told_by="gateway",
    buckets=SECONDS_OF_CALLS,
)
REQUESTS_IN_FLIGHT = gauge("oma_http_requests_in_flight", "Requests that have not ended.", {}, told_by="gateway")


def _template(scope: Scope) -> str:
    """Path of the route that was found, its ids left open; a route of the API knows its path below the prefix only."""
    route: str = getattr(scope.get("route"), "path", "none")
    below = scope["path"].startswith(f"{_API}/") and route.startswith("/") and not route.startswith("/api/")
    return f"{_API}{route}" if below else route


@contextmanager
def observing(scope: Scope, *, parent: str, status: Callable[[], int]) -> Iterator[None]:
    """Around one request; `parent` is its traceparent, or "". Probes and the web app's files begin no traces."""
    method = scope["method"] if scope["method"] in _METHODS else "other"
    names = {"http.request.method": method, "oma.request_id": current_request_id()}
    traced = scope["path"].startswith("/api/")
    around = span(method, kind=SpanKind.SERVER, parent=parent, **names) if traced else nullcontext(INVALID_SPAN)
    REQUESTS_IN_FLIGHT.inc()
    began = time.monotonic()
    with around as current:
        try:
            yield
        finally:
            route = _template(scope)
            current.update_name(f"{method} {route}")
            current.set_attributes({"http.route": route, "http.response.status_code": status()})
            REQUESTS_IN_FLIGHT.dec()
            REQUEST_SECONDS.labels(method, route, status()).observe(time.monotonic() - began)
