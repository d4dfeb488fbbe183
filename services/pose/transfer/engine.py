"""Drawing a character in another pose: AnimateAnyone for one picture.

Axes: B rows of the batch, C channels, H W picture or latents, K keypoints.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from services.common.errors import NotReady
from services.pose.skeleton import pose_picture
from services.pose.transfer.adapters import Style
from services.pose.transfer.geometry import cover_picture, fit_picture
from services.pose.transfer.references import OnLookup, Reference, ReferenceCache, picture_key
from services.pose.transfer.schedule import denoising_steps

Pixels = NDArray[np.uint8]

PREVIEWS = 5
_LARGE_LATENT_SIDE = 32

_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_DEVIATION = (0.26862954, 0.26130258, 0.27577711)


class Networks(Protocol):
    """The family's networks. Latents and pictures cross in float32 on the CPU; the rest stays where they compute."""

    alphas_cumprod: Tensor
    latent_channels: int
    latent_factor: int
    clip_side: int
    has_alpha: bool

    def encode(self, image_1CHW: Tensor, /) -> Tensor:
        """Scaled latents of a picture in [-1, 1]."""

    def decode(self, latents_1CHW: Tensor, /) -> Tensor:
        """The picture, about [-1, 1], of scaled latents."""

    def coverage(self, image_1CHW: Tensor, /) -> Tensor:
        """How much of each pixel (1, 1, H, W) of a picture in [0, 1] is character; asked only if `has_alpha`."""

    def style(self, files: Sequence[tuple[bytes, float]], /) -> Style:
        """LoRA files with their weights, for the denoiser."""

    def refer(self, latents_1CHW: Tensor, clip_1CHW: Tensor, /, *, style: Style | None) -> Reference:
        """A character, from its latents and its CLIP pixels, as the denoiser of this style sees it."""

    def guide(self, pose_1CHW: Tensor, /) -> Tensor:
        """Features (1, C, h, w) of a skeleton picture in [0, 1]."""

    def predict(
        self,
        latents_1CHW: Tensor,
        timestep: int,
        reference: Reference,
        guide: Tensor,
        *,
        guided: bool,
        style: Style | None,
    ) -> Tensor:
        """The velocity: one row; with `guided` two, of which the first has seen neither character nor context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferSpec:
    """Everything that decides the pixels, except the seed."""

    character_HWC: Pixels  # as it was drawn, any size
    xy_K2: NDArray[np.float64]  # the pose, in pixels of the result
    score_K: NDArray[np.float64]
    size_wh: tuple[int, int]
    steps: int = 30
    guidance: float = 3.5
    crop: bool = False  # the character's picture covers the result, instead of being seen whole
    transparent: bool = False  # but for the character
    style: Style | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What all results of one request share."""

    reference: Reference
    guide: Tensor


OnStep = Callable[[int, Pixels | None], object]
"""Called after each step with the steps done and now and then a rough picture; what it raises ends the drawing."""

OnPredicted = Callable[[float], object]
"""Called with the seconds of each call of the denoiser."""


class TransferEngine:
    """`on_predicted` and `on_lookup` are told what happens, to be measured."""

    def __init__(
        self,
        networks: Networks,
        *,
        cache_bytes: int,
        on_predicted: OnPredicted | None = None,
        on_lookup: OnLookup | None = None,
    ) -> None:
        self._networks = networks
        self._references = ReferenceCache(cache_bytes, on_lookup=on_lookup)
        self._on_predicted = on_predicted

    def check(self, spec: TransferSpec) -> None:
        """Whether this family can draw it.

        Raises:
            NotReady: a transparent result is asked for, and the family has no network that finds the character.
        """
        if spec.transparent and not self._networks.has_alpha:
            raise NotReady(
                "this family has no alpha network: ask for a result with a background", reason="NO_ALPHA_NETWORK"
            )

    def style(self, files: Sequence[tuple[bytes, float]]) -> Style:
        """LoRA files with their weights, as a specification takes them.

        Raises:
            InvalidInput: a file is damaged, is no LoRA, or does not fit this family's denoiser.
        """
        return self._networks.style(files)

    @torch.inference_mode()
    def prepare(self, spec: TransferSpec) -> Prepared:
        """The character's features, from the cache if it was drawn lately, and the pose's."""
        fitted_HWC = (cover_picture if spec.crop else fit_picture)(spec.character_HWC, spec.size_wh)
        clip_HWC = clip_crop(spec.character_HWC, self._networks.clip_side)
        skeleton_HWC = pose_picture(spec.xy_K2, spec.score_K, spec.size_wh)
        key = picture_key(fitted_HWC, clip_HWC) + (spec.style.key if spec.style is not None else "")
        reference = self._references.get_or_make(key, lambda: self._refer(fitted_HWC, clip_HWC, spec.style))
        return Prepared(reference=reference, guide=self._networks.guide(to_unit_tensor(skeleton_HWC)))

    def _refer(self, fitted_HWC: Pixels, clip_HWC: Pixels, style: Style | None) -> Reference:
        latents = self._networks.encode(to_unit_tensor(fitted_HWC) * 2 - 1)
        return self._networks.refer(latents, to_clip_tensor(clip_HWC), style=style)

    @torch.inference_mode()
    def draw(self, spec: TransferSpec, prepared: Prepared, seed: int, on_step: OnStep, *, previews: bool) -> Pixels:
        """One result, RGB; with alpha if it is to be transparent."""
        networks, guided = self._networks, spec.guidance > 1
        width, height = (side // networks.latent_factor for side in spec.size_wh)
        latents = initial_noise((1, networks.latent_channels, height, width), seed)
        for done, step in enumerate(denoising_steps(networks.alphas_cumprod, spec.steps), start=1):
            began = time.monotonic()
            velocity = networks.predict(
                latents, step.timestep, prepared.reference, prepared.guide, guided=guided, style=spec.style
            )
            if self._on_predicted is not None:
                self._on_predicted(time.monotonic() - began)  # the velocity is on the CPU: the device has done its part
            if guided:
                plain, seeing = velocity.chunk(2)
                velocity = plain + spec.guidance * (seeing - plain)
            latents, clean = step.advance(latents, velocity)
            shown = previews and done < spec.steps and done % max(1, spec.steps // PREVIEWS) == 0
            on_step(done, self._preview(clean) if shown else None)
        image_HWC = to_pixels(networks.decode(latents))
        return self._cut_out(image_HWC) if spec.transparent else image_HWC

    def _cut_out(self, image_HWC: Pixels) -> Pixels:
        alpha_HW = self._networks.coverage(to_unit_tensor(image_HWC))[0, 0]
        return np.dstack([image_HWC, np.asarray((alpha_HW * 255).round().to(torch.uint8))])

    def _preview(self, clean_1CHW: Tensor) -> Pixels:
        if max(clean_1CHW.shape[2:]) > _LARGE_LATENT_SIDE:
            clean_1CHW = functional.interpolate(clean_1CHW, scale_factor=0.5, mode="area")
        return to_pixels(self._networks.decode(clean_1CHW))


def initial_noise(shape: tuple[int, int, int, int], seed: int) -> Tensor:
    """Drawn on the CPU, where the same seed gives the same noise whatever device computes."""
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


def clip_crop(image_HWC: Pixels, side: int) -> Pixels:
    """The middle square of the picture at the size that CLIP looks at."""
    height, width = image_HWC.shape[:2]
    short = min(height, width)
    size_wh = (int(side * width / short), int(side * height / short))
    left, top = (size_wh[0] - side) // 2, (size_wh[1] - side) // 2
    resized = Image.fromarray(image_HWC).resize(size_wh, Image.Resampling.BICUBIC)
    return np.asarray(resized.crop((left, top, left + side, top + side)))


def to_clip_tensor(image_HWC: Pixels) -> Tensor:
    mean_C11, deviation_C11 = (torch.tensor(values).view(3, 1, 1) for values in (_CLIP_MEAN, _CLIP_DEVIATION))
    return (to_unit_tensor(image_HWC) - mean_C11) / deviation_C11


def to_unit_tensor(image_HWC: Pixels) -> Tensor:
    """(1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(image_HWC.transpose(2, 0, 1)[None])).float() / 255


def to_pixels(image_1CHW: Tensor) -> Pixels:
    """RGB pixels of a picture in [-1, 1]; fractions are cut off, not rounded, as in the original."""
    unit_HWC = (image_1CHW[0].float() / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    return (unit_HWC * 255).astype(np.uint8)
