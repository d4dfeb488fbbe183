"""What the gateway counts and measures of HTTP."""

from services.common.telemetry.metrics import SECONDS_OF_CALLS, gauge, histogram

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
