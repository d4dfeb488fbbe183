"""What pose estimation measures, beside what every service does."""

from services.common.telemetry.metrics import SECONDS_OF_COMPUTING, histogram

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
