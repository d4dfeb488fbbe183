"""What pose estimation measures and traces, beside what every service does."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanKind

from services.common.errors import ServiceError
from services.common.telemetry.metrics import SECONDS_OF_COMPUTING, histogram
from services.common.telemetry.tracing import span

ONNXRUNTIME, TRITON = "onnxruntime", "triton"

INFERENCE_SECONDS = histogram(
    "oma_pose_inference_seconds",
    "Runs of one network, by their seconds; with Triton those on the way and in its queue too.",
    {
        "network": "`detector` or `pose`",
        "backend": "`onnxruntime` or `triton`",
        "outcome": "`ok`, `cancelled`, `error`, or a reason: `TRITON_DOWN`, `TRITON_SLOW`, `TRITON_FAILED`, "
        "`TRITON_MODEL`, `TRITON_QUEUE_FULL`, `TRITON_QUEUE_TIMEOUT`",
    },
    told_by="pose estimation",
    buckets=SECONDS_OF_COMPUTING,
)


@contextmanager
def running(network: str, backend: str, *, rows: int) -> Iterator[None]:
    """Around one run of a network on so many rows."""
    outcome, began = "ok", time.monotonic()
    try:
        with span(f"{backend} {network}", kind=SpanKind.CLIENT if backend == TRITON else SpanKind.INTERNAL, rows=rows):
            yield
    except asyncio.CancelledError:
        outcome = "cancelled"
        raise
    except ServiceError as error:
        outcome = error.reason
        raise
    except Exception:
        outcome = "error"
        raise
    finally:
        INFERENCE_SECONDS.labels(network, backend, outcome).observe(time.monotonic() - began)
