"""What every recipe shares: its log, its averaged weights on disk, its learning rate."""

import copy
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import ModelMixin
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

WEIGHTS = Path(__file__).parent / "weights"
RUNS = Path(__file__).parent / "runs"  # loss logs; not committed


class LossLog:
    """Appends one JSON object a line; each carries the step and the seconds since the run began."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the run began."""
        return time.perf_counter() - self._start

    def write(self, step: int, **values: float) -> None:
        """Logs the values of one step, and prints them."""
        line = json.dumps(
            {"step": step, "seconds": round(self.seconds, 1), **{k: round(v, 5) for k, v in values.items()}}
        )
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        print(line, flush=True)


def save_averaged(model: ModelMixin, average: EMAModel, folder: Path) -> None:
    """Writes the averaged weights of `model` as fp16 safetensors in the diffusers layout; the model stays as it is."""
    frozen = copy.deepcopy(model)
    average.copy_to(frozen.parameters())
    frozen.to(torch.float16).save_pretrained(folder, safe_serialization=True)


def load_widened(network: nn.Module, trained: Mapping[str, Tensor]) -> None:
    """Copies trained weights into a network whose first or last convolutions may have more channels.

    What the network reads beyond the trained channels has no weight at first; what it writes beyond them is untrained.
    """
    state = network.state_dict()
    with torch.no_grad():
        for name, old in trained.items():
            target = state[name]
            if target.shape != old.shape:
                target[: old.shape[0]] = 0.0
            target[tuple(slice(size) for size in old.shape)] = old.to(target.dtype)


def learning_rate(step: int, *, steps: int, peak: float, warmup: int, decay_from: float) -> float:
    """Linear warm-up, constant, then half a cosine down to 2 % from the fraction `decay_from` of the run on."""
    rising = min(1.0, (step + 1) / warmup)
    done = max(0.0, (step / steps - decay_from) / (1.0 - decay_from)) if decay_from < 1.0 else 0.0
    return peak * rising * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done))))
