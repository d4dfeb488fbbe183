"""Redrawing a part of a picture: where latents may change, and how the drawn part comes back into the picture."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from services.common.errors import InvalidInput
from services.common.pictures import Pixels

Mask = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Redraw:
    """The picture as it was given, and how much of each of its pixels is to be drawn anew.

    Raises:
        InvalidInput: the mask has another size than the picture, or marks nothing.
    """

    picture_HWC: Pixels
    mask_HW: Mask  # 0 keeps a pixel to the bit, 255 replaces it

    def __post_init__(self) -> None:
        if self.mask_HW.shape != self.picture_HWC.shape[:2]:
            sizes = [f"{shape[1]} x {shape[0]}" for shape in (self.mask_HW.shape, self.picture_HWC.shape)]
            raise InvalidInput(f"the mask is {sizes[0]}, the picture {sizes[1]}: make them equal", reason="MASK_SIZE")
        if not self.mask_HW.any():
            raise InvalidInput("the mask marks nothing: paint white what is to be drawn anew", reason="MASK_EMPTY")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """What a drawing keeps of its picture while the rest is denoised."""

    free_11HW: Tensor  # 1 where latents may change
    clean_1CHW: Tensor
    noise_1CHW: Tensor

    def held(self, latents_1CHW: Tensor, known_1CHW: Tensor) -> Tensor:
        """The latents, with what is kept in its place."""
        return self.free_11HW * latents_1CHW + (1 - self.free_11HW) * known_1CHW


def free_latents(mask_HW: Mask, *, width: int, height: int, factor: int) -> Tensor:
    """1 for each latent that has to do with a marked pixel, (1, 1, height / factor, width / factor)."""
    fitted = ImageOps.fit(Image.fromarray(mask_HW), (width, height), Image.Resampling.BILINEAR)
    marked = np.array(fitted).reshape(height // factor, factor, width // factor, factor).max(axis=(1, 3)) > 0
    return torch.from_numpy(marked.astype(np.float32))[None, None]


def put_back(redraw: Redraw, drawn_HWC: Pixels) -> Pixels:
    """The given picture at its own size with the drawn part in it; every pixel where the mask is 0 is as it was."""
    height, width = redraw.mask_HW.shape
    drawn_height, drawn_width = drawn_HWC.shape[:2]
    scale = max(drawn_width / width, drawn_height / height)
    box_w, box_h = min(width, round(drawn_width / scale)), min(height, round(drawn_height / scale))
    left, top = (width - box_w) // 2, (height - box_h) // 2
    fitted = Image.fromarray(drawn_HWC).resize((box_w, box_h), Image.Resampling.LANCZOS)
    whole_HWC = redraw.picture_HWC.copy()
    part = (slice(top, top + box_h), slice(left, left + box_w))
    share = redraw.mask_HW[part][..., None].astype(np.uint16)
    mixed = share * np.asarray(fitted) + (255 - share) * whole_HWC[part]
    whole_HWC[part] = ((mixed + 127) // 255).astype(np.uint8)
    return whole_HWC
