"""The family's own network that tells a drawn character from what is behind it.

Axes: N pictures, C channels, H W picture.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True, kw_only=True)
class AlphaConfig:
    """Channels at strides 2, 4, 8, 16 of the picture; as in the network's config.json."""

    channels: tuple[int, ...] = (24, 48, 80, 112)

    @property
    def stride(self) -> int:
        return int(2 ** len(self.channels))


class _Double(nn.Module):
    """A convolution, and another one around a skip."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        x_NCHW = functional.relu(self.first_norm(self.first(x_NCHW)))
        return functional.relu(x_NCHW + self.second_norm(self.second(x_NCHW)))


class AlphaNetwork(nn.Module):
    """A small U-Net: pictures (N, 3, H, W) in [0, 1] of any size to logits of the character's coverage (N, 1, H, W).

    It works at half the resolution; four numbers per cell become the coverage of its four pixels.
    """

    def __init__(self, config: AlphaConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.channels
        self.down = nn.ModuleList(
            _Double(before, after, stride=1 if before == _CELL_NUMBERS else 2)
            for before, after in zip((_CELL_NUMBERS, *widths[:-1]), widths, strict=True)
        )
        self.lift = nn.ModuleList(
            nn.Conv2d(coarse, fine, 1) for coarse, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.merge = nn.ModuleList(_Double(width, width) for width in widths[-2::-1])
        self.out = nn.Conv2d(widths[0], 4, 3, 1, 1)

    def forward(self, image_N3HW: Tensor) -> Tensor:
        height, width = image_N3HW.shape[2:]
        stride = self.config.stride
        padded = functional.pad(image_N3HW * 2 - 1, (0, -width % stride, 0, -height % stride), mode="replicate")
        carried = functional.pixel_unshuffle(padded, 2)
        levels = []
        for down in self.down:
            carried = down(carried)
            levels.append(carried)
        for lift, merge, fine in zip(self.lift, self.merge, levels[-2::-1], strict=True):
            carried = merge(fine + functional.interpolate(lift(carried), scale_factor=2.0, mode="nearest"))
        return functional.pixel_shuffle(self.out(carried), 2)[:, :, :height, :width]

    def coverage(self, image_N3HW: Tensor) -> Tensor:
        """How much of each pixel (N, 1, H, W) is character, in [0, 1]."""
        return torch.sigmoid(self(image_N3HW))


_CELL_NUMBERS = 12
"""Three colours of four pixels."""
