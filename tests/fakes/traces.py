"""Spans of this process, kept for tests to look at."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

Tree = tuple[str, tuple["Tree", ...]]


class _Taps(SpanExporter):
    """Gives every ended span to whoever listens."""

    def __init__(self) -> None:
        self.listening: list[list[ReadableSpan]] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for listener in self.listening:
            listener.extend(spans)
        return SpanExportResult.SUCCESS


_TAPS = _Taps()


def _provide() -> None:
    """A process has one provider, for good."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(_TAPS))
        trace.set_tracer_provider(provider)


@contextmanager
def recorded_spans() -> Iterator[list[ReadableSpan]]:
    """The spans that end within, of whatever test."""
    _provide()
    ended: list[ReadableSpan] = []
    _TAPS.listening.append(ended)
    try:
        yield ended
    finally:
        _TAPS.listening.remove(ended)


def trees(spans: Sequence[ReadableSpan], trace_id: int) -> list[Tree]:
    """The spans of one trace as (name, children), by the time that they began; roots are those without a parent."""
    own = sorted((one for one in spans if one.context.trace_id == trace_id), key=lambda one: one.start_time or 0)
    known = {one.context.span_id for one in own}

    def below(parent_id: int | None) -> tuple[Tree, ...]:
        children = [one for one in own if _parent_id(one, known) == parent_id]
        return tuple((one.name, below(one.context.span_id)) for one in children)

    return list(below(None))


def _parent_id(one: ReadableSpan, known: set[int]) -> int | None:
    """None too where the parent was not seen: a broken trace shows as several roots."""
    return one.parent.span_id if one.parent is not None and one.parent.span_id in known else None
