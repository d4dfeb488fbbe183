"""Random-weight ONNX files with the contracts and the cost of DWPose's two networks, for benchmarks only.

The published files cannot be had everywhere, and what a network costs does not depend on what it has learned. These are
stacks of residual bottlenecks whose multiplications and parameters come out near the originals':

| | multiply-adds | parameters |
|---|---|---|
| YOLOX-L at 640 x 640 | 77.8 G | 54.2 M |
| DWPose-L at 384 x 288 | 10.1 G | 33.6 M |

The detector always "finds" the same twelve people, whatever it is shown: its last layer hardly moves a table of boxes.

    python benchmarks/dwpose_graphs.py OUT_FOLDER
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

SIDE, CROP_WH, POINTS, CLASSES = 640, (288, 384), 133, 80
STRIDES = (8, 16, 32)
PEOPLE = 12
_OPSET = 17


class Bottleneck(nn.Module):
    """A narrow and a wide convolution around a skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.narrow, self.wide = nn.Conv2d(channels, channels // 2, 1), nn.Conv2d(channels // 2, channels, 3, 1, 1)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + 0.1 * self.act(self.wide(self.act(self.narrow(x))))
        return out


def stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    """Half the resolution, then `blocks` bottlenecks."""
    down = nn.Conv2d(inputs, outputs, 3, 2, 1)
    return nn.Sequential(down, nn.SiLU(), *(Bottleneck(outputs) for _ in range(blocks)))


class LikeYoloxL(nn.Module):
    """images (1, 3, 640, 640) to output (1, 8400, 85)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(12, 64, 3, 1, 1)
        self.stages = nn.ModuleList([stage(64, 128, 3), stage(128, 256, 6), stage(256, 512, 9), stage(512, 1024, 5)])
        self.lift = nn.ModuleList(nn.Conv2d(channels, 256, 1) for channels in (256, 512, 1024))
        self.heads = nn.ModuleList(
            nn.Sequential(*(layer for _ in range(4) for layer in (nn.Conv2d(256, 256, 3, 1, 1), nn.SiLU())))
            for _ in STRIDES
        )
        self.out = nn.ModuleList(nn.Conv2d(256, 5 + CLASSES, 1) for _ in STRIDES)
        self.register_buffer("table", people_table())
        self.table: Tensor

    def forward(self, images: Tensor) -> Tensor:
        x = self.stem(nn.functional.pixel_unshuffle(images / 255, 2))
        levels = []
        for one in self.stages:
            x = one(x)
            levels.append(x)
        rows = [
            out(head(lift(level))).flatten(2).transpose(1, 2)
            for level, lift, head, out in zip(levels[1:], self.lift, self.heads, self.out, strict=True)
        ]
        return self.table + 1e-6 * torch.tanh(torch.cat(rows, dim=1))


def people_table() -> Tensor:
    """Twelve people in three rows of four, all others nobody."""
    cells = [SIDE // stride for stride in STRIDES]
    rows = torch.zeros(1, sum(count**2 for count in cells), 5 + CLASSES)
    first_of_coarsest = cells[0] ** 2 + cells[1] ** 2
    for row in range(3):
        for column in range(4):
            index = first_of_coarsest + (3 + 6 * row) * cells[2] + 2 + 5 * column
            rows[0, index, 2:4] = torch.tensor([120.0, 190.0]).div(STRIDES[2]).log()
            rows[0, index, 4] = 0.9 - 0.01 * (4 * row + column)
            rows[0, index, 5] = 1.0
    return rows


class LikeDwposeL(nn.Module):
    """input (N, 3, 384, 288) to simcc_x (N, 133, 576) and simcc_y (N, 133, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1), nn.SiLU(), nn.Conv2d(32, 64, 3, 1, 1), nn.SiLU())
        self.stages = nn.Sequential(stage(64, 128, 3), stage(128, 256, 3), stage(256, 512, 3), stage(512, 1024, 3))
        self.points = nn.Conv2d(1024, POINTS, 7, 1, 3)
        self.mix = nn.Linear((CROP_WH[0] // 32) * (CROP_WH[1] // 32), 256)
        self.to_x, self.to_y = nn.Linear(256, 2 * CROP_WH[0]), nn.Linear(256, 2 * CROP_WH[1])

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:  # noqa: A002 - the name of the graph's input
        mixed = self.mix(self.points(self.stages(self.stem(input))).flatten(2))
        return self.to_x(mixed).sigmoid(), self.to_y(mixed).sigmoid()


def write_graphs(folder: Path) -> dict[str, dict[str, float]]:
    """`dwpose/detector.onnx` and `dwpose/pose.onnx` in `folder`, about 350 MB; gives what each costs for one row."""
    torch.manual_seed(3)
    (folder / "dwpose").mkdir(parents=True, exist_ok=True)
    free = {name: {0: "N"} for name in ("input", "simcc_x", "simcc_y")}
    made: list[tuple[str, nn.Module, tuple[int, ...], list[str], list[str], dict[str, Any]]] = [
        ("detector", LikeYoloxL(), (1, 3, SIDE, SIDE), ["images"], ["output"], {}),
        ("pose", LikeDwposeL(), (1, 3, CROP_WH[1], CROP_WH[0]), ["input"], ["simcc_x", "simcc_y"], free),
    ]
    costs = {}
    for name, network, size, inputs, outputs, dynamic in made:
        network.eval().requires_grad_(requires_grad=False)
        with FlopCounterMode(display=False) as counted:
            network.to("meta")(torch.empty(size, device="meta"))
        parameters = sum(parameter.numel() for parameter in network.parameters())
        costs[name] = {
            "multiply_adds_1e9": round(counted.get_total_flops() / 2e9, 1),
            "parameters_1e6": round(parameters / 1e6, 1),
        }
        filled = LikeYoloxL() if name == "detector" else LikeDwposeL()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.onnx.export(
                filled.eval(), (torch.zeros(size),), str(folder / "dwpose" / f"{name}.onnx"), input_names=inputs,
                output_names=outputs, dynamic_axes=dynamic, opset_version=_OPSET, dynamo=False,
            )  # fmt: skip
    return costs


if __name__ == "__main__":
    print(json.dumps(write_graphs(Path(sys.argv[1]))))
