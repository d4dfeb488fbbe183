"""The loop that both methods run."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from torch import Tensor, nn

from services.common.errors import InvalidInput

Clock = Callable[[], float]
OnStep = Callable[[int, float], None]


class Stepping(Protocol):
    """What the loop needs of a method."""

    steps: int
    step_done: int

    def step(self) -> float: ...


class Trying(Protocol):
    """What can be measured of a method before it begins."""

    def try_step(self) -> None: ...


class Trainer(Stepping, Trying, Protocol):
    """What carries a method from its plan to its end, through any number of processes."""

    losses: list[float]
    batch: int

    @property
    def trained(self) -> int: ...
    @property
    def frozen(self) -> nn.Module: ...
    def plan(self, steps: int, *, batch: int) -> None: ...
    def try_sample(self) -> Tensor: ...
    def state(self) -> dict[str, Tensor]: ...
    def restore(self, state: Mapping[str, Tensor], *, step_done: int) -> None: ...


def train(trainer: Stepping, on_step: OnStep) -> None:
    """Run the steps that are left; `on_step(steps done, loss)` follows each, and may raise to stop.

    Raises:
        InvalidInput: the loss is no longer a number (`LOSS_NOT_FINITE`).
    """
    while trainer.step_done < trainer.steps:
        loss = trainer.step()
        if not math.isfinite(loss):
            raise InvalidInput(
                f"the loss is not a number after {trainer.step_done} steps: leave out damaged pictures, or try again",
                reason="LOSS_NOT_FINITE",
            )
        on_step(trainer.step_done, loss)


def steps_within(trainer: Trying, seconds: float, *, most: int, clock: Clock = time.monotonic) -> int:
    """How many steps fit into `seconds` by a measured step: at most `most`, at least one.

    The first step is slower than the rest and does not count.
    """
    trainer.try_step()
    started = clock()
    trainer.try_step()
    trainer.try_step()
    step_seconds = (clock() - started) / 2
    return max(1, min(most, int(seconds / step_seconds)))
