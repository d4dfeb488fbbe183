"""The person detector: a small feature pyramid with YOLOX's raw output."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.webtoon_tiny.pose_network import Residual, conv

SIDE = 640
REDUCTION = 4
"""The network looks at the picture averaged down by this much."""
STRIDES = (8, 16, 32)
CLASSES = 80
"""COCO's; only the first, person, is ever predicted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorNetworkConfig:
    """Channels at strides 4, 8, 16, 32 and 64 of the input, and of the pyramid."""

    stem: int = 16
    fine: int = 24
    middle: int = 48
    coarse: int = 80
    widest: int = 112
    pyramid: int = 32


class DetectorNetwork(nn.Module):
    """Quarter-size RGB/BGR pictures 0..255 (N, 3, 160, 160) to raw rows (N, 8400, 6): box (4), objectness and person
    logits.
    """

    def __init__(self, config: DetectorNetworkConfig) -> None:
        super().__init__()
        c = config
        self.stem = conv(3, c.stem)
        self.to_fine = conv(c.stem, c.fine, stride=2)
        self.to_middle = nn.Sequential(conv(c.fine, c.middle, stride=2), Residual(c.middle))
        self.to_coarse = nn.Sequential(conv(c.middle, c.coarse, stride=2), Residual(c.coarse))
        self.to_widest = nn.Sequential(conv(c.coarse, c.widest, stride=2), Residual(c.widest))
        self.lift = nn.ModuleList(
            [conv(channels, c.pyramid, kernel=1) for channels in (c.widest, c.coarse, c.middle, c.fine)]
        )
        # The finest level is the dearest and gets one convolution, its head's.
        self.merge = nn.ModuleList([conv(c.pyramid, c.pyramid), conv(c.pyramid, c.pyramid), nn.Identity()])
        self.heads = nn.ModuleList(
            [nn.Sequential(conv(c.pyramid, c.pyramid), nn.Conv2d(c.pyramid, 6, 1)) for _ in STRIDES]
        )
        for head in self.heads:
            # Almost every cell is empty: begin there.
            nn.init.constant_(head[1].bias[4:5], -4.0)  # type: ignore[index]

    def forward(self, quarter_N3HW: Tensor) -> Tensor:
        """Rows of strides 8, 16, 32, each row-major."""
        fine = self.to_fine(self.stem(quarter_N3HW / 128.0 - 1.0))
        middle = self.to_middle(fine)
        coarse = self.to_coarse(middle)
        carried = self.lift[0](self.to_widest(coarse))
        rows = []
        for index, features in enumerate((coarse, middle, fine)):
            carried = self.merge[index](
                self.lift[1 + index](features) + functional.interpolate(carried, scale_factor=2.0, mode="nearest")
            )
            rows.append(self.heads[index](carried).flatten(2).transpose(1, 2))
        return torch.cat(rows[::-1], dim=1)


class YoloxDetector(nn.Module):
    """A trained network behind YOLOX's contract: images (1, 3, 640, 640) BGR 0..255 to (1, 8400, 85), probabilities
    already squashed.
    """

    def __init__(self, network: DetectorNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Boxes stay raw; classes other than person are exactly 0."""
        rows = self.network(functional.avg_pool2d(images, REDUCTION))
        scored = torch.cat([rows[..., :4], rows[..., 4:].sigmoid()], dim=-1)
        return functional.pad(scored, (0, CLASSES - 1))


def grid() -> tuple[Tensor, Tensor]:
    """Cell corners (8400, 2) as x, y in cells, and strides (8400, 1)."""
    corners, strides = [], []
    for stride in STRIDES:
        cells = SIDE // stride
        y, x = torch.meshgrid(torch.arange(cells), torch.arange(cells), indexing="ij")
        corners.append(torch.stack([x.flatten(), y.flatten()], dim=1).float())
        strides.append(torch.full((cells * cells, 1), float(stride)))
    return torch.cat(corners), torch.cat(strides)


def decoded(rows: Tensor, corners_A2: Tensor, strides_A1: Tensor) -> Tensor:
    """Raw boxes (..., A, 4) to x0, y0, x1, y1 in detector pixels."""
    centre = (rows[..., :2] + corners_A2) * strides_A1
    half = 0.5 * torch.exp(rows[..., 2:4].clamp(-6, 6)) * strides_A1
    return torch.cat([centre - half, centre + half], dim=-1)
