"""The forward process: noised latents, what the denoiser should answer, and how much a timestep counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from diffusers import DDPMScheduler
from torch import Tensor

from services.common.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseSchedule:
    """Signal kept at each timestep (alpha bar), and what the family's denoiser predicts."""

    kept_N: Tensor
    prediction: str

    @classmethod
    def of(cls, scheduler_config: Mapping[str, Any]) -> "NoiseSchedule":
        """The schedule of any diffusers scheduler's configuration."""
        scheduler = DDPMScheduler.from_config(dict(scheduler_config))
        prediction = str(scheduler.config.prediction_type)
        if prediction not in ("epsilon", "v_prediction"):
            raise InvalidInput(f"families that predict {prediction!r} cannot be trained", reason="PREDICTION_TYPE")
        return cls(kept_N=scheduler.alphas_cumprod.float(), prediction=prediction)

    @property
    def timesteps(self) -> int:
        return len(self.kept_N)

    def noised(self, latents_BCHW: Tensor, noise_BCHW: Tensor, timesteps_B: Tensor) -> Tensor:
        kept = self._kept(timesteps_B)
        return kept.sqrt() * latents_BCHW + (1 - kept).sqrt() * noise_BCHW

    def target(self, latents_BCHW: Tensor, noise_BCHW: Tensor, timesteps_B: Tensor) -> Tensor:
        if self.prediction == "epsilon":
            return noise_BCHW
        kept = self._kept(timesteps_B)
        return kept.sqrt() * noise_BCHW - (1 - kept).sqrt() * latents_BCHW

    def min_snr_weight(self, timesteps_B: Tensor, gamma: float) -> Tensor:
        """min(SNR, gamma) over SNR for noise, over SNR + 1 for v (Hang et al. 2023)."""
        kept = self._kept(timesteps_B).flatten()
        snr_B = kept / (1 - kept)
        over = snr_B if self.prediction == "epsilon" else snr_B + 1
        return snr_B.clamp(max=gamma) / over

    def _kept(self, timesteps_B: Tensor) -> Tensor:
        return self.kept_N.to(timesteps_B.device)[timesteps_B].reshape(-1, 1, 1, 1)


def loss_per_sample(predicted_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
    return (predicted_BCHW.float() - target_BCHW.float()).square().mean(dim=(1, 2, 3))


def stage_of(timestep: int, *, stages: int, timesteps: int) -> int:
    """Stage 0 has the least noise."""
    return timestep * stages // timesteps


def stage_bounds(stages: int, timesteps: int) -> list[tuple[int, int]]:
    """First timestep of each stage, and the first one after it."""
    firsts = [-(-stage * timesteps // stages) for stage in range(stages + 1)]
    return list(pairwise(firsts))


def rate_at(step: int, *, rate: float, steps: int, warmup: int, curve: str) -> float:
    """Learning rate of step 0, 1, ..."""
    rising = min(1.0, (step + 1) / warmup) if warmup else 1.0
    falling = 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * step / steps)))) if curve == "cosine" else 1.0
    return rate * rising * falling
