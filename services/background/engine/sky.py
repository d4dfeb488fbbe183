"""Finds the sky of a picture with a small network of the family, for layered files."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from services.common.pictures import Pixels

SIDE_px = 128  # the shorter side of what the network looks at
_STEP = 16


class SkyNetwork(nn.Module):
    """A U-Net of four levels: pictures (B, 3, H, W) in 0..1, sides multiples of 16, to logits (B, 1, H, W) of sky."""

    def __init__(self, widths: tuple[int, int, int, int] = (12, 24, 40, 64)) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            _block(narrow, wide, stride=2) for narrow, wide in zip((3, *widths[:-1]), widths, strict=True)
        )
        self.middle = _block(widths[3], widths[3], dilation=2)
        inward = [widths[3] + widths[2], widths[2] + widths[1], widths[1] + widths[0]]
        self.up = nn.ModuleList(_block(wide, out) for wide, out in zip(inward, widths[2::-1], strict=True))
        self.last = nn.Conv2d(widths[0] + 3, 1, 3, padding=1)

    def forward(self, picture_BCHW: Tensor) -> Tensor:
        """Logits of sky."""
        levels = [picture_BCHW]
        for block in self.down:
            levels.append(block(levels[-1]))
        x = self.middle(levels[4]) + levels[4]
        for block, skipped in zip(self.up, levels[3:0:-1], strict=True):
            x = block(torch.cat([_enlarged(x), skipped], 1))
        logits: Tensor = self.last(torch.cat([_enlarged(x), picture_BCHW], 1))
        return logits


class SkyFinder:
    """A trained network, asked for whole pictures of any size."""

    def __init__(self, network: SkyNetwork) -> None:
        self._network = network.eval()

    @torch.inference_mode()
    def __call__(self, image_HWC: Pixels) -> NDArray[np.bool_]:
        """Where sky is (H, W)."""
        height, width = image_HWC.shape[:2]
        scale = SIDE_px / min(height, width)
        size = [max(_STEP, round(side * scale / _STEP) * _STEP) for side in (width, height)]
        small_HWC = np.asarray(cv2.resize(image_HWC, size, interpolation=cv2.INTER_AREA), np.float32) / 255
        device = next(self._network.parameters()).device
        logits = self._network(torch.from_numpy(small_HWC).permute(2, 0, 1)[None].to(device))
        found_HW = functional.interpolate(logits.float(), (height, width), mode="bilinear")[0, 0] > 0
        return np.asarray(found_HW.cpu().numpy(), np.bool_)


def _block(narrow: int, wide: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(narrow, wide, 3, stride=stride, padding=dilation, dilation=dilation),
        nn.GroupNorm(4, wide),
        nn.SiLU(),
    )


def _enlarged(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")
