"""Spans of OpenTelemetry: what one request did, in every process that it went through.

Without a collector in the settings every call here does next to nothing. Spans carry names and numbers of ours, never
an owner, a key, a prompt or the words of an error; only W3C's `traceparent` travels, no baggage.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.common.errors import ServiceError
from services.common.telemetry.settings import TelemetrySettings

TRACEPARENT = "traceparent"
Value = str | int | float | bool

_TRACER = trace.get_tracer("oma")
_W3C = TraceContextTextMapPropagator()
_EXPORT_SECONDS = 5


@contextmanager
def sending_traces(service: str, settings: TelemetrySettings) -> Iterator[None]:
    """Send the spans of this process to the collector, where the settings name one, until the context ends."""
    if not settings.traces_endpoint:
        yield
        return
    # The SDK is loaded only where it is used.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415

    provider = TracerProvider(
        resource=Resource.create({"service.name": service, "service.namespace": "oma"}),
        sampler=ParentBased(TraceIdRatioBased(settings.traces_share)),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=settings.traces_endpoint, timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


def flush_traces() -> None:
    """Send now what waits to be sent; for a process that may be killed."""
    flush = getattr(trace.get_tracer_provider(), "force_flush", None)  # the API's own provider has none
    if flush is not None:
        flush(1_000 * _EXPORT_SECONDS)


@contextmanager
def span(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, parent: str | None = None, **attributes: Value
) -> Iterator[Span]:
    """A span around what happens in this context, a child of the one around it.

    A `traceparent` from elsewhere, given as `parent`, counts instead of what is around; "" begins a trace.
    """
    with _TRACER.start_as_current_span(
        name,
        context=None if parent is None else _remote(parent),
        kind=kind,
        attributes=attributes,
        record_exception=False,  # its words may be an artist's
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except BaseException as error:
            blame(current, error)
            raise


@contextmanager
def span_aside(name: str, **attributes: Value) -> Iterator[Span]:
    """A child of the current span that does not become current itself: safe around the yields of a generator."""
    begun = _TRACER.start_span(name, attributes=attributes)
    try:
        yield begun
    except BaseException as error:
        blame(begun, error)
        raise
    finally:
        begun.end()


def begin_span(name: str, *, kind: SpanKind, parent: str, **attributes: Value) -> Span:
    """A span that is current from here to the end of this task; whoever begins it ends it.

    For generators, which may be closed in another context than they ran in.
    """
    begun = _TRACER.start_span(name, context=_remote(parent), kind=kind, attributes=attributes)
    context.attach(trace.set_span_in_context(begun))
    return begun


def blame(failed: Span, error: BaseException) -> None:
    """Say in the span what ended it: the reason, never the words."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        failed.set_attribute("oma.cancelled", value=True)
        return
    reason = error.reason if isinstance(error, ServiceError) else type(error).__name__
    failed.set_status(Status(StatusCode.ERROR, reason))


def current_traceparent() -> str:
    """What to send along, so that the receiver's spans are children of the current one; "" outside of any trace."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get(TRACEPARENT, "")


def current_trace_id() -> str:
    """Of the trace that is being made here, 32 hexadecimal digits; "" outside of any."""
    known = trace.get_current_span().get_span_context()
    return trace.format_trace_id(known.trace_id) if known.is_valid else ""


def _remote(traceparent: str) -> context.Context:
    """A context with this parent alone; what is not a `traceparent` is none."""
    return _W3C.extract({TRACEPARENT: traceparent}, context=context.Context())
