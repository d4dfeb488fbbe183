"""What the worker of style training counts and measures; its children tell it by their reports."""

from services.common.telemetry.metrics import SECONDS_OF_COMPUTING, counter, histogram

_US = "style training's worker"

STEP_SECONDS = histogram(
    "oma_training_step_seconds",
    "Training steps, by their seconds.",
    {"method": "`lora` or `dreamstyler`"},
    told_by=_US,
    buckets=SECONDS_OF_COMPUTING,
)
CRASHES = counter(
    "oma_training_crashes_total", "Training processes that crashed or were killed because they hung.", {}, told_by=_US
)
