"""Counts and measures durable jobs, and looks at their queue when Prometheus asks."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.common.telemetry.metrics import JOB_SECONDS, JOB_WAIT_SECONDS, JOBS_CLAIMED, JOBS_ENDED, REGISTRY

STATES = ("queued", "running", "abandoned")
_LOOK_SECONDS = 2.0  # several who ask at once make one look


def job_claimed(queue: str, kind: str, *, waited_seconds: float | None) -> None:
    """Count an attempt; `waited_seconds` is for the first one only."""
    JOBS_CLAIMED.labels(queue, kind).inc()
    if waited_seconds is not None:
        JOB_WAIT_SECONDS.labels(queue, kind).observe(waited_seconds)


def job_ended(queue: str, kind: str, state: str, *, seconds: float = 0.0) -> None:
    """Count an end; `seconds` since the request count where it is a good one."""
    JOBS_ENDED.labels(queue, kind, state).inc()
    if state == "succeeded":
        JOB_SECONDS.labels(queue, kind).observe(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many jobs of one kind are in each of `STATES`, and how long the longest of the queued ones has waited."""

    counts: Mapping[str, int]
    oldest_seconds: float


class QueueStanding(Collector):
    """Jobs that have not ended. `look` gives the standing by kind; whatever it raises says that it cannot be read."""

    def __init__(self, queue: str, look: Callable[[], Mapping[str, Standing]]) -> None:
        self._queue = queue
        self._look = look
        self._lock = threading.Lock()
        self._seen: Mapping[str, Standing] | None = None
        self._looked = -_LOOK_SECONDS

    def describe(self) -> Iterable[Metric]:
        """Nothing: one process may have several queues, under the same names."""
        return []

    def collect(self) -> Iterable[Metric]:
        standings = self._standings()
        readable = GaugeMetricFamily("oma_queue_readable", "Whether the queue's database answered.", labels=["queue"])
        readable.add_metric([self._queue], float(standings is not None))
        jobs = GaugeMetricFamily("oma_queue_jobs", "Jobs that have not ended.", labels=["queue", "kind", "state"])
        oldest = GaugeMetricFamily("oma_queue_oldest_seconds", "Age of the oldest queued.", labels=["queue", "kind"])
        for kind, standing in (standings or {}).items():
            for state in STATES:
                jobs.add_metric([self._queue, kind, state], standing.counts.get(state, 0))
            oldest.add_metric([self._queue, kind], standing.oldest_seconds)
        return [readable, jobs, oldest]

    def _standings(self) -> Mapping[str, Standing] | None:
        with self._lock:
            if time.monotonic() - self._looked >= _LOOK_SECONDS:
                try:
                    self._seen = self._look()
                except Exception:  # noqa: BLE001 (a scrape never fails for it; the gauge says so)
                    self._seen = None
                self._looked = time.monotonic()
            return self._seen


@contextmanager
def showing_queue(queue: str, look: Callable[[], Mapping[str, Standing]]) -> Iterator[None]:
    """Tell the queue's standing until the context ends."""
    standing = QueueStanding(queue, look)
    REGISTRY.register(standing)
    try:
        yield
    finally:
        REGISTRY.unregister(standing)
