"""The registry of what is counted and measured, and what every kind of process has of it.

A metric is made here or in a service's own `metrics.py`, through `counter`, `gauge` and `histogram`: they note it for
docs/metrics.md. Labels take a bounded number of values: names of ours, never an owner, an id or anything of a request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry(auto_describe=True)

SECONDS_OF_CALLS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
SECONDS_OF_COMPUTING = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SECONDS_OF_JOBS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)

_RPC = {"rpc_service": "full name from the protos", "rpc_method": "method from the protos"}
_CODE = {"code": "name of the gRPC status, `OK` included"}
_JOB = {"queue": "`gateway` or `style_train`", "kind": "kind of job"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One metric as its page describes it. `labels`: what each of them says."""

    name: str
    kind: str
    labels: Mapping[str, str]
    meaning: str
    told_by: str


CATALOGUE: list[Entry] = []


def counter(name: str, meaning: str, labels: Mapping[str, str], *, told_by: str) -> Counter:
    """A number that only grows; its name ends in "_total"."""
    note(name, "counter", meaning, labels, told_by=told_by)
    return Counter(name, meaning, list(labels), registry=REGISTRY)


def gauge(name: str, meaning: str, labels: Mapping[str, str], *, told_by: str) -> Gauge:
    """A number that comes and goes."""
    note(name, "gauge", meaning, labels, told_by=told_by)
    return Gauge(name, meaning, list(labels), registry=REGISTRY)


def histogram(
    name: str, meaning: str, labels: Mapping[str, str], *, told_by: str, buckets: Sequence[float]
) -> Histogram:
    """How numbers are spread: `_count`, `_sum` and `_bucket`."""
    note(name, "histogram", meaning, labels, told_by=told_by)
    return Histogram(name, meaning, list(labels), registry=REGISTRY, buckets=buckets)


def note(name: str, kind: str, meaning: str, labels: Mapping[str, str], *, told_by: str) -> None:
    """Describe a metric; by itself for one that a collector of its own makes."""
    CATALOGUE.append(Entry(name=name, kind=kind, labels=labels, meaning=meaning, told_by=told_by))


RPC_SECONDS = histogram(
    "oma_rpc_duration_seconds",
    "Calls answered, by the seconds until they ended; a stream ends with its last message.",
    _RPC | _CODE,
    told_by="model services",
    buckets=SECONDS_OF_CALLS,
)
RPC_ERRORS = counter(
    "oma_rpc_errors_total",
    "Calls that ended badly, with the reason of docs/stubs.md. Refused at the door: code `RESOURCE_EXHAUSTED`. "
    "Cancelled by their callers: code `CANCELLED`, reason `CALLER_LEFT`. Bugs: reason `BUG`.",
    _RPC | _CODE | {"reason": "machine-readable reason"},
    told_by="model services",
)
RPCS_IN_FLIGHT = gauge("oma_rpcs_in_flight", "Calls that have not ended.", _RPC, told_by="model services")
PLACES_TAKEN = gauge(
    "oma_places_taken",
    "Calls inside a service's door, waiting or under way; one more than `oma_places` is refused.",
    {
        "door": "`background`, `finished_backgrounds` (layers, readings), `pose_estimation`, `pose_transfer` "
        "or `watches` (of trainings)"
    },
    told_by="model services",
)
PLACES = gauge(
    "oma_places", "Calls that fit inside the door.", {"door": "as `oma_places_taken`"}, told_by="model services"
)
PEER_SECONDS = histogram(
    "oma_peer_call_duration_seconds",
    "Calls made to a service of ours, by the seconds until they ended, as their caller sees them.",
    {"peer": "the service in words"} | _CODE,
    told_by="gateway, its worker",
    buckets=SECONDS_OF_CALLS,
)
STORE_SECONDS = histogram(
    "oma_artifact_store_duration_seconds",
    "Requests to the artifact store, by their seconds.",
    {
        "operation": "`put`, `get`, `stat` or `delete`",
        "outcome": "`ok`, `not_found`, `unavailable` or `error`",
    },
    told_by="all",
    buckets=SECONDS_OF_CALLS,
)
JOBS_CLAIMED = counter("oma_jobs_claimed_total", "Attempts at jobs that were begun.", _JOB, told_by="workers")
JOBS_ENDED = counter(
    "oma_jobs_ended_total",
    "Jobs that ended, in the process that ended them.",
    _JOB | {"state": "`succeeded`, `failed`, `cancelled` or `quarantined`"},
    told_by="workers; gateway and style training for jobs cancelled while they waited",
)
JOB_SECONDS = histogram(
    "oma_job_duration_seconds",
    "Jobs that succeeded, by the seconds from their request to their end.",
    _JOB,
    told_by="workers",
    buckets=SECONDS_OF_JOBS,
)
JOB_WAIT_SECONDS = histogram(
    "oma_job_wait_seconds",
    "Jobs that were begun for the first time, by the seconds that they had waited.",
    _JOB,
    told_by="workers",
    buckets=SECONDS_OF_JOBS,
)
LEASES_LOST = counter(
    "oma_leases_lost_total",
    "Jobs that were taken from a worker that was too slow.",
    {"queue": _JOB["queue"]},
    told_by="workers",
)
note(
    "oma_queue_jobs",
    "gauge",
    "Jobs that have not ended; an abandoned one's worker has fallen silent, and the next free one takes it over.",
    _JOB | {"state": "`queued`, `running` or `abandoned`"},
    told_by="gateway, style training; every replica tells the same: take `max`",
)
note(
    "oma_queue_oldest_seconds",
    "gauge",
    "Age of the queued job that was asked for first; 0 without any.",
    _JOB,
    told_by="as `oma_queue_jobs`",
)
note(
    "oma_queue_readable",
    "gauge",
    "1 where the last look at the queue's database succeeded, else 0.",
    {"queue": _JOB["queue"]},
    told_by="as `oma_queue_jobs`",
)
