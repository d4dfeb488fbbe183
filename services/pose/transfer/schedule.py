"""DDIM as the original samples: v-prediction, trailing timesteps, no added noise."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from services.common.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One denoising step, from the noise level of `timestep` to the next lower one.

    `alpha_bar` and `alpha_bar_after` are the shares of signal, in variance, before and after it.
    """

    timestep: int
    alpha_bar: Tensor
    alpha_bar_after: Tensor

    def advance(self, latents: Tensor, velocity: Tensor) -> tuple[Tensor, Tensor]:
        """The latents after this step, and the picture that they are on their way to."""
        signal, noise = self.alpha_bar**0.5, (1 - self.alpha_bar) ** 0.5
        clean = signal * latents - noise * velocity
        direction = signal * velocity + noise * latents
        after = self.alpha_bar_after**0.5 * clean + (1 - self.alpha_bar_after) ** 0.5 * direction
        return after, clean


def timesteps(count: int, trained: int) -> list[int]:
    """The timesteps of `count` steps, from the noisiest.

    Raises:
        InvalidInput: rounding would make the list one too long, as for 61 steps of 1000.
    """
    if not 1 <= count <= trained:
        raise InvalidInput(f"{count} steps: choose 1 to {trained}", reason="STEPS")
    found = np.round(np.arange(trained, 0, -trained / count)).astype(int) - 1
    if len(found) != count or found[-1] < 0:
        raise InvalidInput(f"{count} steps do not divide the schedule: choose {count - 1}", reason="STEPS")
    return [int(timestep) for timestep in found]


def denoising_steps(alphas_cumprod: Tensor, count: int) -> list[Step]:
    """The steps of a schedule given by its table of alpha-bar (float32, one per trained timestep).

    What follows timestep t is t - floor(trained / count), as in the original, and not the next timestep of the list;
    what follows the last one is the clean picture.
    """
    trained = len(alphas_cumprod)
    clean = alphas_cumprod.new_tensor(1.0)
    return [
        Step(
            timestep=timestep,
            alpha_bar=alphas_cumprod[timestep],
            alpha_bar_after=alphas_cumprod[after] if (after := timestep - trained // count) >= 0 else clean,
        )
        for timestep in timesteps(count, trained)
    ]
