"""The loop that both methods run."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from torch import Tensor

from services.common.errors import InvalidInput

Clock = Callable[[], float]
OnStep = Callable[[int, float], None]


class Trainer(Protocol):
    """What the loop needs of a method."""

    steps: int
    step_done: int

    def plan(self, steps: int) -> None: ...
    def step(self) -> float: ...
    def try_step(self) -> None: ...
    def state(self) -> dict[str, Tensor]: ...
    def restore(self, state: Mapping[str, Tensor], *, step_done: int) -> None: ...


def train(trainer: Trainer, on_step: OnStep) -> None:
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


def steps_within(trainer: Trainer, seconds: float, *, most: int, clock: Clock = time.monotonic) -> int:
    """How many steps fit into `seconds` by a measured step: at most `most`, at least one.

    The first step is slower than the rest and does not count.
    """
    trainer.try_step()
    started = clock()
    trainer.try_step()
    trainer.try_step()
    step_seconds = (clock() - started) / 2
    return max(1, min(most, int(seconds / step_seconds)))
