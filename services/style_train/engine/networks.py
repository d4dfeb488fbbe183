"""The frozen parts of a model family, as the trainers use them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from services.common.pictures import Pixels
from services.style_train.engine.frozen import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """A loaded family. The modules are diffusers' and transformers' own; both ship types only in part."""

    unet: Any
    vae: Any
    text_encoder: Any
    tokenizer: Any
    scheduler_config: Mapping[str, Any]
    name: str
    base_model_version: str
    resolution: int
    size_step: int
    guidance: float
    style_rate: float = 1.0
    device: torch.device
    form: Form = Form.FLOAT32  # of the denoiser's weights

    @property
    def latent_channels(self) -> int:
        return int(self.unet.config.in_channels)

    @property
    def pixels_per_latent(self) -> int:
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """What the encoder says of one picture, in the denoiser's scale."""

    mean_CHW: Tensor
    std_CHW: Tensor  # 0 where the encoder is deterministic


@torch.no_grad()
def encode_picture(networks: Networks, image_HWC: Pixels) -> Posterior:
    """The posterior of a picture whose sides the family takes."""
    vae = networks.vae
    scale, shift = vae.config.scaling_factor, getattr(vae.config, "shift_factor", None) or 0.0
    picture_BCHW = torch.from_numpy(image_HWC.copy()).permute(2, 0, 1)[None].to(networks.device, vae.dtype) / 127.5 - 1
    encoded = vae.encode(picture_BCHW)
    if hasattr(encoded, "latent_dist"):
        mean_CHW, std_CHW = encoded.latent_dist.mean[0], encoded.latent_dist.std[0]
    else:
        mean_CHW, std_CHW = encoded.latents[0], torch.zeros_like(encoded.latents[0])
    return Posterior(mean_CHW=(mean_CHW.float() - shift) * scale, std_CHW=std_CHW.float() * scale)


@torch.no_grad()
def decode_latents(networks: Networks, latents_BCHW: Tensor) -> list[Pixels]:
    vae = networks.vae
    scale, shift = vae.config.scaling_factor, getattr(vae.config, "shift_factor", None) or 0.0
    drawn_BCHW = vae.decode((latents_BCHW / scale + shift).to(vae.dtype)).sample
    pixels_BHWC = ((drawn_BCHW.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    return list(pixels_BHWC.cpu().numpy())
