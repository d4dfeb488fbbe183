"""What every recipe shares: its log, its averaged weights on disk, its learning rate."""

import copy
import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
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


class Course(Protocol):
    """What a recipe says about its steps."""

    @property
    def steps(self) -> int: ...
    @property
    def peak_rate(self) -> float: ...
    @property
    def warmup(self) -> int: ...
    @property
    def decay_from(self) -> float: ...
    @property
    def save_every_seconds(self) -> float: ...


def run_course(
    course: Course,
    optimiser: torch.optim.Optimizer,
    log: LossLog,
    *,
    loss_of_step: Callable[[], Tensor],
    after_step: Callable[[], None] | None = None,
    clip_norm: float | None = None,
    keep: Callable[[], None] | None = None,
) -> list[float]:
    """Takes every step of a recipe; returns the losses. Logs every twentieth, and keeps what there is now and then."""
    trained = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    losses: list[float] = []
    kept_seconds = log.seconds
    for step in range(course.steps):
        rate = learning_rate(
            step, steps=course.steps, peak=course.peak_rate, warmup=course.warmup, decay_from=course.decay_from
        )
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = loss_of_step()
        torch.autograd.backward(loss)
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(trained, clip_norm)
        optimiser.step()
        optimiser.zero_grad()
        if after_step is not None:
            after_step()
        losses.append(float(loss.detach()))
        if step % 20 == 0:
            log.write(step, loss=float(np.mean(losses[-20:])), rate=rate)
        if keep is not None and log.seconds - kept_seconds > course.save_every_seconds:
            keep()
            kept_seconds = log.seconds
    return losses
