"""Follows a job through the gateway's event stream, whatever happens to the connection."""

import time
from collections.abc import Iterator

import httpx
from httpx_sse import EventSource

from services.cli.client.errors import ApiError, check
from services.cli.client.records import Job
from services.cli.client.transport import RETRIED_STATUSES

# The gateway sends a comment when nothing happens; longer silence than this means that the connection is lost.
SILENCE_SECONDS = 45.0


def watch_job(http: httpx.Client, job_id: str, *, patience_seconds: float) -> Iterator[Job]:
    """Every state of the job that can be seen, the end state last.

    A lost stream is taken up where it ended. `patience_seconds` is how long nothing may come through.

    Raises:
        ApiError: refused, or nothing came through for too long.
    """
    last_id, last_heard, pause_seconds = "", time.monotonic(), 0.25
    while True:
        try:
            for event_id, job in _one_stream(http, job_id, last_id):
                last_id, last_heard, pause_seconds = event_id or last_id, time.monotonic(), 0.25
                yield job
                if job.state.ended:
                    return
        except ApiError as error:
            if error.status not in RETRIED_STATUSES:
                raise
        except httpx.TransportError:
            pass
        if time.monotonic() - last_heard > patience_seconds:
            raise ApiError(0, "UNREACHABLE", f"lost sight of job {job_id}: see `oma status`, then `oma jobs watch`")
        time.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, 4.0)


def _one_stream(http: httpx.Client, job_id: str, last_id: str) -> Iterator[tuple[str, Job]]:
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=5.0)
    with http.stream("GET", f"jobs/{job_id}/events", headers=headers, timeout=timeout) as response:
        check(response)
        for event in EventSource(response).iter_sse():
            if event.event == "job":
                yield event.id, Job.model_validate_json(event.data)
