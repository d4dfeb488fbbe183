"""Between pixels and latents: a VAE that encodes to (mean, std) and decodes, and a rough look without it."""

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from services.common.errors import InvalidInput
from services.common.pictures import Pixels


class PixelSide:
    """An autoencoder, and a linear map from latents to colours that was fitted to it."""

    def __init__(self, vae: Any) -> None:
        self._vae = vae
        self._scale = float(vae.config.scaling_factor)
        self.factor = 2 ** (len(vae.config.block_out_channels) - 1)  # pixels of a side for each latent
        self.channels = int(vae.config.latent_channels)
        self._colours = self._fit_colours()

    def encode(self, image_HWC: Pixels) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the latents, (1, C, h, w), not yet scaled."""
        pixels = torch.from_numpy(np.ascontiguousarray(image_HWC)).permute(2, 0, 1)[None]
        return self.posterior(pixels.float() / 255 * 2 - 1)

    @torch.inference_mode()
    def posterior(self, pixels_13HW: Tensor) -> tuple[Tensor, Tensor]:
        """The same of numbers in [-1, 1]."""
        posterior = self._vae.encode(pixels_13HW.to(self._vae.device, self._vae.dtype)).latent_dist
        return posterior.mean, posterior.std

    def scaled(self, latents: Tensor) -> Tensor:
        """As the denoiser sees them."""
        return latents * self._scale

    @torch.inference_mode()
    def decode(self, latents_1CHW: Tensor) -> Pixels:
        """The picture of scaled latents.

        Raises:
            InvalidInput: it is not finite, as a broken style draws it.
        """
        drawn_CHW = self._vae.decode((latents_1CHW / self._scale).to(self._vae.dtype)).sample[0].float()
        if not bool(torch.isfinite(drawn_CHW).all()):
            raise InvalidInput(
                "the drawing came out empty: a style is broken or its weight too large", reason="NOT_FINITE"
            )
        return _to_pixels(drawn_CHW)

    def preview(self, clean_1CHW: Tensor) -> Pixels:
        """A rough picture of scaled latents at their full size, without the autoencoder."""
        flat_NC = clean_1CHW[0].float().cpu().flatten(1).T
        colour_N3 = torch.cat([flat_NC, torch.ones(len(flat_NC), 1)], 1) @ self._colours
        small = _to_pixels(colour_N3.T.reshape(3, *clean_1CHW.shape[2:]).nan_to_num())
        size = (small.shape[1] * self.factor, small.shape[0] * self.factor)
        return np.array(Image.fromarray(small).resize(size, Image.Resampling.BILINEAR))

    @torch.inference_mode()
    def _fit_colours(self) -> Tensor:
        """Least squares from the latents of plain patches to the colours that the decoder gives them: (C + 1, 3)."""
        generator = torch.Generator().manual_seed(0)
        coarse = torch.randn(max(8, 2 * self.channels), self.channels, 2, 2, generator=generator)
        latents = coarse.repeat_interleave(4, 2).repeat_interleave(4, 3).to(self._vae.device, self._vae.dtype)
        drawn = self._vae.decode(latents / self._scale).sample.float().cpu()
        colour_N3 = torch.nn.functional.avg_pool2d(drawn, 4 * self.factor).permute(0, 2, 3, 1).flatten(0, 2)
        flat_NC = coarse.permute(0, 2, 3, 1).flatten(0, 2)
        known = torch.cat([flat_NC, torch.ones(len(flat_NC), 1)], 1)
        solved: Tensor = torch.linalg.lstsq(known, colour_N3, driver="gelsd").solution
        return solved


def _to_pixels(drawn_CHW: Tensor) -> Pixels:
    pixels = ((drawn_CHW / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())
