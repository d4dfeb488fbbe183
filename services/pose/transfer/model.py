"""The networks of pose transfer on torch: what the engine asks for, on one device in one precision."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from services.common.errors import InvalidInput, NotReady
from services.common.style_files import read_lora, wide_modules
from services.pose.transfer.adapters import Style, applying, combined, take_styles
from services.pose.transfer.alpha import AlphaNetwork
from services.pose.transfer.attention import Reading, keys_and_values
from services.pose.transfer.references import Reference
from services.pose.transfer.weights import Parts, has_alpha, latent_factor, load_alpha, load_parts


class TorchNetworks:
    """`engine.Networks` over one family's parts. Keeps nothing of a request."""

    def __init__(
        self, parts: Parts, *, device: torch.device, dtype: torch.dtype, alpha: AlphaNetwork | None = None
    ) -> None:
        self._parts, self._alpha = parts, alpha
        self.has_alpha = alpha is not None
        self._device, self._dtype = device, dtype
        self.alphas_cumprod = parts.alphas_cumprod
        self.latent_channels = int(parts.denoising_unet.config["in_channels"])
        self.latent_factor = latent_factor(parts.vae)
        self.clip_side = int(parts.image_encoder.config.image_size)
        self._latent_scale = float(parts.vae.config["scaling_factor"])
        self._styled = wide_modules(parts.denoising_unet)
        take_styles(self._styled)

    @property
    def denoiser(self) -> nn.Module:
        return cast("nn.Module", self._parts.denoising_unet)

    def style(self, files: Sequence[tuple[bytes, float]], /) -> Style:
        try:
            uses = [(read_lora(content, unet=self._styled, text=None).unet, weight) for content, weight in files]
        except InvalidInput as error:
            if error.reason != "STYLE_FAMILY":
                raise
            raise InvalidInput(
                f"this family cannot draw characters in it: {error}", reason="STYLE_NOT_FOR_CHARACTERS"
            ) from error
        names = [f"{hashlib.sha256(content).hexdigest()}*{weight}" for content, weight in files]
        return Style(deltas=combined(uses, device=self._device, dtype=self._dtype), key=" ".join(names))

    def encode(self, image_1CHW: Tensor, /) -> Tensor:
        encoded = self._parts.vae.encode(image_1CHW.to(self._device, self._dtype))
        # The middle of the distribution: the reference is not a matter of chance.
        latents: Tensor = encoded.latent_dist.mean
        return latents.float().cpu() * self._latent_scale

    def decode(self, latents_1CHW: Tensor, /) -> Tensor:
        image: Tensor = self._parts.vae.decode((latents_1CHW / self._latent_scale).to(self._device, self._dtype)).sample
        return image.float().cpu()

    def coverage(self, image_1CHW: Tensor, /) -> Tensor:
        if self._alpha is None:
            raise NotReady("this family has no alpha network", reason="NO_ALPHA_NETWORK")
        return self._alpha.coverage(image_1CHW.to(self._device, self._dtype)).float().cpu()

    def refer(self, latents_1CHW: Tensor, clip_1CHW: Tensor, /, *, style: Style | None = None) -> Reference:
        context_11D = self._parts.image_encoder(clip_1CHW.to(self._device, self._dtype)).image_embeds[:, None]
        bank = self.reference_features(latents_1CHW, context_11D)
        with applying(style):
            return Reference(context_11D=context_11D, keys_values=keys_and_values(self._parts.denoising_unet, bank))

    def reference_features(self, latents_1CHW: Tensor, context_11D: Tensor) -> dict[str, Tensor]:
        """The input (1, L, C) of every self-attention of the reference network at timestep 0, by block path.

        The original runs a second row with an empty context, which nothing reads.
        """
        written: dict[str, Tensor] = {}
        latents = latents_1CHW.to(self._device, self._dtype)
        self._parts.reference_unet(latents, 0, context_11D, cross_attention_kwargs={"written": written})
        return written

    def guide(self, pose_1CHW: Tensor, /) -> Tensor:
        features: Tensor = self._parts.pose_guider(pose_1CHW.to(self._device, self._dtype))
        return features

    def predict(
        self,
        latents_1CHW: Tensor,
        timestep: int,
        reference: Reference,
        guide: Tensor,
        *,
        guided: bool,
        style: Style | None = None,
    ) -> Tensor:
        posed = torch.cat([latents_1CHW.to(self._device, self._dtype), guide], dim=1)
        context_B1D = reference.context_11D
        if guided:
            posed = posed.expand(2, -1, -1, -1)
            context_B1D = torch.cat([torch.zeros_like(context_B1D), context_B1D])
        reading = Reading(keys_values=reference.keys_values, plain_rows=int(guided))
        kwargs = {"reading": reading}
        with applying(style):
            velocity: Tensor = self._parts.denoising_unet(
                posed, timestep, context_B1D, cross_attention_kwargs=kwargs, return_dict=False
            )[0]
        return velocity.float().cpu()


def load_networks(family_folder: Path, *, device_name: str) -> TorchNetworks:
    """The family on "cpu" or "cuda"; "auto" takes a GPU where there is one. Half precision on a GPU only."""
    if device_name == "auto":
        device_name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(device_name)
    dtype = torch.float32 if device.type == "cpu" else torch.float16
    alpha = load_alpha(family_folder, device=device, dtype=dtype) if has_alpha(family_folder) else None
    parts = load_parts(family_folder, device=device, dtype=dtype)
    return TorchNetworks(parts, device=device, dtype=dtype, alpha=alpha)
