"""Networks without weights for the pose engines, scripted by the test."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from services.pose.estimation.detection import anchor_grid
from services.pose.transfer.adapters import Style
from services.pose.transfer.references import Reference

Floats = NDArray[np.float32]


class ScriptedDetector:
    """Answers every picture with these people: centre x y, width, height in the letterboxed square, and score."""

    def __init__(self, *people: tuple[float, float, float, float, float], side: int = 64) -> None:
        self.side = side
        self.seen: list[Floats] = []
        self._people = people

    def __call__(self, square_1CHW: Floats, /) -> Floats:
        self.seen.append(square_1CHW)
        grid_A3 = anchor_grid(self.side)
        raw_1AR = np.zeros((1, len(grid_A3), 85), np.float32)
        for anchor, (x, y, width, height, score) in enumerate(self._people):
            column, row, stride = grid_A3[anchor]
            raw_1AR[0, anchor, :4] = [x / stride - column, y / stride - row, *np.log([width / stride, height / stride])]
            raw_1AR[0, anchor, 4:6] = [1.0, score]
        return raw_1AR


class ScriptedPoints:
    """Sees every keypoint in the middle of its crop, with this score."""

    def __init__(self, score: float = 0.9) -> None:
        self.crop_wh = (24, 32)
        self.batches: list[int] = []
        self._score = score

    def __call__(self, crops_NCHW: Floats, /) -> tuple[Floats, Floats]:
        self.batches.append(len(crops_NCHW))
        simcc_NKX = np.zeros((len(crops_NCHW), 133, 2 * self.crop_wh[0]), np.float32)
        simcc_NKY = np.zeros((len(crops_NCHW), 133, 2 * self.crop_wh[1]), np.float32)
        simcc_NKX[..., self.crop_wh[0]] = self._score
        simcc_NKY[..., self.crop_wh[1]] = self._score
        return simcc_NKX, simcc_NKY


class ScriptedNetworks:
    """Pose transfer whose "VAE" keeps every eighth pixel and whose denoiser calls `on_predict`, then drifts to grey."""

    latent_channels = 3
    latent_factor = 8
    has_alpha = False
    clip_side = 8

    def __init__(self, on_predict: Callable[[int], None] = lambda _: None) -> None:
        self.alphas_cumprod = torch.linspace(0.999, 0.0, 1000)
        self.predictions: list[tuple[int, bool]] = []
        self.references = 0
        self.guides = 0
        self._on_predict = on_predict

    def encode(self, image_1CHW: Tensor, /) -> Tensor:
        return image_1CHW[:, :, ::8, ::8]

    def decode(self, latents_1CHW: Tensor, /) -> Tensor:
        return functional.interpolate(latents_1CHW, scale_factor=8.0)

    def coverage(self, image_1CHW: Tensor, /) -> Tensor:
        """What is dark is character."""
        return (image_1CHW.mean(dim=1, keepdim=True) < 128 / 255).float()

    def style(self, files: Sequence[tuple[bytes, float]], /) -> Style:
        return Style(deltas={}, key=" ".join(f"{len(content)}*{weight}" for content, weight in files))

    def refer(self, latents_1CHW: Tensor, clip_1CHW: Tensor, /, *, style: Style | None) -> Reference:
        self.references += 1
        context_11D = clip_1CHW.mean(dim=(2, 3))[:, None]
        return Reference(context_11D=context_11D, keys_values={"block": (latents_1CHW, latents_1CHW)})

    def guide(self, pose_1CHW: Tensor, /) -> Tensor:
        self.guides += 1
        return pose_1CHW.mean(dim=(1, 2, 3))

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
        self._on_predict(timestep)
        self.predictions.append((timestep, guided))
        velocity = latents_1CHW * guide + reference.context_11D.mean()
        return velocity.repeat(2, 1, 1, 1) if guided else velocity
