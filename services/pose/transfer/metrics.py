"""What pose transfer counts and measures, beside what every service does."""

from services.common.telemetry.metrics import SECONDS_OF_COMPUTING, counter, gauge, histogram

_US = "pose transfer"

STEP_SECONDS = histogram(
    "oma_pose_transfer_step_seconds",
    "Denoising steps, by their seconds.",
    {},
    told_by=_US,
    buckets=SECONDS_OF_COMPUTING,
)
PICTURES = counter("oma_pose_transfer_pictures_total", "Results that were drawn and stored.", {}, told_by=_US)
REFERENCE_LOOKUPS = counter(
    "oma_reference_cache_lookups_total",
    "Characters that a drawing asked for.",
    {"outcome": "`hit`, or `miss`: computed anew"},
    told_by=_US,
)
REFERENCE_BYTES = gauge("oma_reference_cache_bytes", "Memory that features of characters take.", {}, told_by=_US)


def count_lookup(kept: bool, size_bytes: int) -> None:  # noqa: FBT001 (the engine's callback)
    """What a lookup in the cache of characters came to."""
    REFERENCE_LOOKUPS.labels("hit" if kept else "miss").inc()
    REFERENCE_BYTES.set(size_bytes)
