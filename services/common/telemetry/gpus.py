"""Memory of the GPUs that this process computes on; nothing at all where it has loaded no torch, or there is none."""

import sys
from collections.abc import Iterable
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.common.telemetry.metrics import REGISTRY, note

NAME = "oma_gpu_memory_bytes"
_LABELS = {
    "device": "number of the GPU",
    "kind": "`allocated` and `reserved` by this process, `used` by anybody, `total`",
}
_MEANING = "Memory of a GPU that the process computes on."
note(NAME, "gauge", _MEANING, _LABELS, told_by="background, pose transfer; style training's worker for its child")


class GpuMemory(Collector):
    """Asks torch when Prometheus asks; what a child process said of its own counts until it says something else."""

    def __init__(self) -> None:
        self.of_child: dict[tuple[int, str], int] = {}

    def describe(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(NAME, _MEANING, labels=list(_LABELS))]

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(NAME, _MEANING, labels=list(_LABELS))
        for (device, kind), size_bytes in (self.of_child or gpu_memory()).items():
            family.add_metric([str(device), kind], size_bytes)
        return [family]


def gpu_memory() -> dict[tuple[int, str], int]:
    """Bytes by device and kind. Does not load torch, nor wake a GPU that it has not used."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {}
    found: dict[tuple[int, str], int] = {}
    for device in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(device)
        found |= {
            (device, "allocated"): torch.cuda.memory_allocated(device),
            (device, "reserved"): torch.cuda.memory_reserved(device),
            (device, "used"): total - free,
            (device, "total"): total,
        }
    return found


GPU_MEMORY = GpuMemory()
REGISTRY.register(GPU_MEMORY)
