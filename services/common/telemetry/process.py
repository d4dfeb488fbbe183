"""All that a process tells of itself, from its start to its end; used by every `__main__`."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.common.telemetry.exposition import serving_metrics
from services.common.telemetry.settings import TelemetrySettings
from services.common.telemetry.tracing import sending_traces


@contextmanager
def telling(service: str, settings: TelemetrySettings) -> Iterator[None]:
    """Serve metrics and send traces until the context ends, as far as the settings want it."""
    with serving_metrics(settings.metrics_address), sending_traces(service, settings):
        yield
