"""Draws sample pictures with the style just learned, on the denoiser that is already loaded."""

from collections.abc import Callable

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from services.common.pictures import Pixels
from services.style_train.engine.networks import Networks, decode_latents

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
) -> list[Pixels]:
    """One picture for each row of `empty_BLC`, by DDIM with the family's guidance; `on_step` may raise to stop."""
    unet, factor = networks.unet, networks.pixels_per_latent
    scheduler = DDIMScheduler.from_config(dict(networks.scheduler_config))
    scheduler.set_timesteps(steps)
    shape = (len(empty_BLC), networks.latent_channels, size_wh[1] // factor, size_wh[0] // factor)
    latents_BCHW = torch.randn(shape, generator=noise).to(networks.device)
    for timestep in scheduler.timesteps.tolist():
        hidden = torch.cat([empty_BLC, prompt_at(timestep)]).to(unet.dtype)
        both = unet(latents_BCHW.repeat(2, 1, 1, 1).to(unet.dtype), timestep, hidden).sample.float()
        empty, prompted = both.chunk(2)
        guided = empty + networks.guidance * (prompted - empty)
        latents_BCHW = scheduler.step(guided, timestep, latents_BCHW).prev_sample
        on_step()
    return decode_latents(networks, latents_BCHW)
