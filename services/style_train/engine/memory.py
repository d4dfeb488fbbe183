"""What a training step takes, measured on one sample before the training begins, and how many samples fit."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

_MARGIN = 0.85  # of what is free; the rest is for what is not counted
_ADAPTER_BYTES = 16  # of one trained number: itself, its gradient, two averages


def sample_bytes(loss_of_one: Callable[[], Tensor], frozen: nn.Module) -> int:
    """Bytes that one sample keeps for the way back, the network's own weights not counted."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in frozen.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss_of_one()
    return sum(kept.values())


def fitting_batch(wanted: int, *, one_sample_bytes: int, trained: int, free_bytes: int) -> int:
    """The largest batch up to `wanted` that fits; at least 1."""
    room = free_bytes * _MARGIN - trained * _ADAPTER_BYTES
    return max(1, min(wanted, int(room // max(1, one_sample_bytes))))


def free_bytes(device: torch.device) -> int:
    """Memory that a training may still take on this device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    return min(free, _left_of_group(Path("/sys/fs/cgroup")))


def _left_of_group(folder: Path) -> int:
    """What the container's limit leaves; without a limit it is unbounded."""
    try:
        most = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = (folder / "memory.current").read_text(encoding="ascii").strip()
    except OSError:
        return 2**62
    return 2**62 if most == "max" else int(most) - int(used)
