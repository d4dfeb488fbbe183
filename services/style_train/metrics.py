"""What the worker of style training counts and measures; its children tell it by their reports."""

from services.common.telemetry.gpus import GPU_MEMORY
from services.common.telemetry.metrics import SECONDS_OF_COMPUTING, counter, histogram
from services.style_train.records import Measured

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


def measure(measured: Measured) -> None:
    """Take over what a child has measured."""
    for seconds in measured.step_seconds:
        STEP_SECONDS.labels(measured.method).observe(seconds)
    GPU_MEMORY.of_child = {(0, kind): size_bytes for kind, size_bytes in measured.gpu_bytes.items()}
