"""The pose network: a small U-shaped convnet whose heatmaps leave as SimCC distributions scaled by visibility."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

POINTS = 133
WIDTH, HEIGHT = 288, 384
CELL = 8
"""Input pixels per heatmap cell."""
SPLIT = 2
"""SimCC bins per input pixel."""
_LEAST = 1e-9  # of a probability, so that it has a logarithm

# Where each of the 68 points of a face lies in its mirror image.
_FACE_MIRROR = [
    *range(16, -1, -1),  # jaw
    *range(26, 16, -1),  # brows
    *range(27, 31),  # bridge of the nose
    *range(35, 30, -1),  # nostrils
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),  # eyes
    *range(54, 47, -1),  # upper lip, outside
    *range(59, 54, -1),  # lower lip, outside
    *range(64, 59, -1),  # upper lip, inside
    *range(67, 64, -1),  # lower lip, inside
]
MIRROR = [
    0,
    *(other for left in range(1, 16, 2) for other in (left + 1, left)),
    *(20, 21, 22, 17, 18, 19),
    *(23 + index for index in _FACE_MIRROR),
    *range(112, 133),
    *range(91, 112),
]
"""Index of each of the 133 points' mirror image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseNetworkConfig:
    """Channels at strides 4, 8, 16 and 32 of the input, and of the heatmap branch."""

    stem: int = 16
    fine: int = 32
    middle: int = 72
    coarse: int = 128
    heat: int = 40


def conv(inputs: int, outputs: int, *, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two convolutions around a skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in."""
        return functional.relu(x + self.second(self.first(x)))


class PoseNetwork(nn.Module):
    """Normalised crops (N, 3, 384, 288) to heat logits (N, 133, 48, 36) and visibility logits (N, 133)."""

    def __init__(self, config: PoseNetworkConfig) -> None:
        super().__init__()
        c = config
        self.stem = conv(3, c.stem, stride=2)
        self.to_fine = conv(c.stem, c.fine, stride=2)
        self.to_middle = nn.Sequential(conv(c.fine, c.middle, stride=2), Residual(c.middle))
        self.to_coarse = nn.Sequential(conv(c.middle, c.coarse, stride=2), Residual(c.coarse), Residual(c.coarse))
        self.lift_coarse = conv(c.coarse, c.middle, kernel=1)
        self.merge_middle = conv(c.middle, c.middle)
        self.lift_middle = conv(c.middle, c.heat, kernel=1)
        self.lift_fine = conv(c.fine, c.heat, kernel=1)
        self.merge_fine = conv(c.heat, c.heat)
        self.heat = nn.Conv2d(c.heat, POINTS, 1)
        self.seen = nn.Sequential(nn.Linear(2 * c.coarse, 128), nn.ReLU(inplace=True), nn.Linear(128, POINTS))
        self.peak_weight = nn.Parameter(torch.full((POINTS,), 0.1))

    def forward(self, crops_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        """Heat logits and visibility logits of full-size crops."""
        return self.from_half(functional.avg_pool2d(crops_N3HW, 2))

    def from_half(self, half_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        """The same from crops already at half size (N, 3, 192, 144)."""
        fine = self.to_fine(self.stem(half_N3HW))
        middle = self.to_middle(fine)
        coarse = self.to_coarse(middle)
        middle = self.merge_middle(
            middle + functional.interpolate(self.lift_coarse(coarse), scale_factor=2.0, mode="nearest")
        )
        lifted = functional.interpolate(self.lift_middle(middle), scale_factor=2.0, mode="nearest")
        heat_NKHW = self.heat(self.merge_fine(self.lift_fine(fine) + lifted))
        pooled = torch.cat([coarse.mean(dim=(2, 3)), coarse.amax(dim=(2, 3))], dim=1)
        peak_NK = heat_NKHW.amax(dim=(2, 3)) - heat_NKHW.mean(dim=(2, 3))
        return heat_NKHW, self.seen(pooled) + self.peak_weight * peak_NK.detach()


class SimccPose(nn.Module):
    """A trained network behind DWPose's outputs: simcc_x (N, 133, 576) and simcc_y (N, 133, 768), both peaking at the
    visibility.

    Every crop is looked at twice, the second time mirrored, and the two answers are averaged; and a point is put where
    most of its probability lies within a cell's reach, not on the single most probable cell.
    """

    def __init__(self, network: PoseNetwork) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("widen_x", bins_from_cells(WIDTH // CELL))
        self.register_buffer("widen_y", bins_from_cells(HEIGHT // CELL))
        self.register_buffer("mirror", torch.tensor(MIRROR))
        self.widen_x: Tensor
        self.widen_y: Tensor
        self.mirror: Tensor

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:  # noqa: A002 - the name of the graph's input
        """Two distributions per point; the log of a Gaussian is a parabola, which cubic interpolation keeps exactly."""
        heat_MKHW, seen_MK = self.network(torch.cat([input, input.flip(3)]))
        as_seen, mirrored = heat_MKHW.unflatten(0, (2, -1)).unbind(0)
        heat_NKHW = (as_seen + mirrored.index_select(1, self.mirror).flip(3)) / 2
        seen, seen_mirrored = seen_MK.unflatten(0, (2, -1)).unbind(0)
        visible_NK1 = ((seen + seen_mirrored.index_select(1, self.mirror)) / 2).sigmoid().unsqueeze(-1)
        near_NKHW = functional.avg_pool2d(heat_NKHW.flatten(2).softmax(dim=-1).view_as(heat_NKHW), 3, 1, 1)
        log_NKHW = (near_NKHW + _LEAST).log()
        outputs = []
        for profile_NKL, widen in ((log_NKHW.amax(dim=2), self.widen_x), (log_NKHW.amax(dim=3), self.widen_y)):
            bins_NKL = torch.matmul(profile_NKL, widen)
            outputs.append(torch.exp(bins_NKL - bins_NKL.amax(dim=-1, keepdim=True)) * visible_NK1)
        return outputs[0], outputs[1]


def bins_from_cells(cells: int) -> Tensor:
    """Cubic (Catmull-Rom) interpolation matrix (cells, cells * 16) from cell centres to SimCC bins."""
    positions = np.arange(cells * CELL * SPLIT) / (CELL * SPLIT) - 0.5
    matrix = np.zeros((cells, len(positions)), np.float32)
    for column, position in enumerate(positions):
        start = int(np.floor(position))
        t = position - start
        weights = (
            -0.5 * t + t**2 - 0.5 * t**3,
            1 - 2.5 * t**2 + 1.5 * t**3,
            0.5 * t + 2 * t**2 - 1.5 * t**3,
            -0.5 * t**2 + 0.5 * t**3,
        )
        for offset, weight in zip(range(-1, 3), weights, strict=True):
            matrix[min(max(start + offset, 0), cells - 1), column] += weight
    return torch.from_numpy(matrix)
