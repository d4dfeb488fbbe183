"""Draws sample pictures with the style just learned, on the denoiser that is already loaded."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from services.common.pictures import Pixels
from services.style_train.engine.networks import Networks, decode_latents


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Start:
    """A picture to draw over: 0 of strength would keep it, 1 would ignore it."""

    latents_BCHW: Tensor
    strength: float


HiddenAt = Callable[[int], Tensor]  # timestep to hidden states (B, L, C)


@torch.no_grad()
def draw(
    networks: Networks,
    *,
    prompt_at: HiddenAt,
    empty_BLC: Tensor,
    size_wh: tuple[int, int],
    steps: int,
    noise: torch.Generator,
    on_step: Callable[[], None],
    start: Start | None = None,
) -> list[Pixels]:
    """One picture for each row of `empty_BLC`, by DDIM with the family's guidance; `on_step` may raise to stop.

    From noise, or over a start: then only the last of the steps are run.
    """
    unet, factor = networks.unet, networks.pixels_per_latent
    scheduler = DDIMScheduler.from_config(dict(networks.scheduler_config))
    scheduler.set_timesteps(steps)
    shape = (len(empty_BLC), networks.latent_channels, size_wh[1] // factor, size_wh[0] // factor)
    latents_BCHW = torch.randn(shape, generator=noise).to(networks.device)
    timesteps = scheduler.timesteps
    if start is not None:
        timesteps = timesteps[-max(1, round(steps * start.strength)) :]
        latents_BCHW = scheduler.add_noise(start.latents_BCHW, latents_BCHW, timesteps[:1])
    for timestep in timesteps.tolist():
        hidden = torch.cat([empty_BLC, prompt_at(timestep)]).to(unet.dtype)
        both = unet(latents_BCHW.repeat(2, 1, 1, 1).to(unet.dtype), timestep, hidden).sample.float()
        empty, prompted = both.chunk(2)
        guided = empty + networks.guidance * (prompted - empty)
        latents_BCHW = scheduler.step(guided, timestep, latents_BCHW).prev_sample
        on_step()
    return decode_latents(networks, latents_BCHW)
