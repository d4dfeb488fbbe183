"""The evaluation's own eyes: a small convolutional network that reads a scene's place, time, weather and objects.

It belongs to the evaluation, not to the product: its weights lie in `judge/`, beside the family.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from models.webtoon_tiny.pictures.labels import OBJECTS, PLACE_NAMES
from models.webtoon_tiny.pictures.scenes import TIMES, WEATHERS

JUDGE = Path(__file__).parent / "judge"
WIDTHS = (24, 40, 72, 128)
HEADS = {"place": len(PLACE_NAMES), "time": len(TIMES), "weather": len(WEATHERS), "objects": len(OBJECTS)}
AREA_px = 128 * 128


class Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Same shape as given."""
        inner = functional.relu(self.norm1(self.conv1(x_BCHW)))
        return functional.relu(x_BCHW + self.norm2(self.conv2(inner)))


class SceneClassifier(nn.Module):
    """Reads pictures (B, 3, H, W) in -1..1 of any size of at least 32 pixels a side."""

    def __init__(self, widths: tuple[int, int, int, int] = WIDTHS) -> None:
        super().__init__()
        inputs = (3, *widths[:-1])
        self.shrink = nn.ModuleList(
            nn.Sequential(nn.Conv2d(i, o, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU())
            for i, o in zip(inputs, widths, strict=True)
        )
        self.deepen = nn.ModuleList([nn.Identity(), nn.Identity(), Residual(widths[2]), Residual(widths[3])])
        self.heads = nn.ModuleDict({name: nn.Linear(2 * widths[3], size) for name, size in HEADS.items()})

    def levels(self, picture_BCHW: Tensor) -> list[Tensor]:
        """The four levels' features, at a half, a quarter, an eighth and a sixteenth of the size."""
        features = [picture_BCHW]
        for shrink, deepen in zip(self.shrink, self.deepen, strict=True):
            features.append(deepen(shrink(features[-1])))
        return features[1:]

    def forward(self, picture_BCHW: Tensor) -> dict[str, Tensor]:
        """Logits by head, and `features` (B, last width): the mean over the picture of the last level."""
        last = self.levels(picture_BCHW)[-1]
        mean = last.mean(dim=(2, 3))
        pooled = torch.cat([mean, last.amax(dim=(2, 3))], 1)
        return {"features": mean, **{name: head(pooled) for name, head in self.heads.items()}}


def to_batch(pictures_HWC: Sequence[NDArray[np.uint8]]) -> Tensor:
    """Pictures of one size as (B, 3, H, W) in -1..1."""
    return torch.from_numpy(np.stack(pictures_HWC)).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def at_reading_size(picture_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with the area that the classifier has learnt, its aspect kept."""
    height, width = picture_HWC.shape[:2]
    scale = (AREA_px / (height * width)) ** 0.5
    if 0.95 < scale < 1.05:
        return picture_HWC
    size = (max(32, round(width * scale)), max(32, round(height * scale)))
    return np.asarray(Image.fromarray(picture_HWC).resize(size, Image.Resampling.LANCZOS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read: indices (N,) of places, times and weathers; objects (N, O) as yes or no; features (N, C)."""

    place: NDArray[np.int64]
    time: NDArray[np.int64]
    weather: NDArray[np.int64]
    objects: NDArray[np.bool_]
    features: NDArray[np.float64]


class Judge:
    """A trained classifier with the thresholds over which it calls an object present."""

    def __init__(self, network: SceneClassifier, thresholds: NDArray[np.float32]) -> None:
        self.network, self.thresholds = network.eval(), thresholds

    @classmethod
    def load(cls, folder: Path = JUDGE) -> "Judge":
        """The committed classifier."""
        network = SceneClassifier()
        network.load_state_dict({k: v.float() for k, v in load_file(folder / "classifier.safetensors").items()})
        known = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
        if known["objects"] != list(OBJECTS):
            raise ValueError(f"{folder} was trained for other objects than the picture maker draws")
        return cls(network, np.array(known["thresholds"], np.float32))

    def save(self, folder: Path) -> None:
        """fp16 weights, and the names and thresholds of the objects."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({k: v.half().contiguous() for k, v in self.network.state_dict().items() if "num_batches" not in k},
                  folder / "classifier.safetensors")  # fmt: skip
        known = {
            "places": list(PLACE_NAMES),
            "times": list(TIMES),
            "weathers": list(WEATHERS),
            "objects": list(OBJECTS),
            "thresholds": [round(float(threshold), 3) for threshold in self.thresholds],
        }
        (folder / "classifier.json").write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")

    def logits(self, pictures_HWC: Sequence[NDArray[np.uint8]]) -> dict[str, NDArray[np.float32]]:
        """Every head's output for pictures of any sizes, and their features."""
        found: list[dict[str, Tensor]] = []
        start = 0
        ready = [at_reading_size(picture) for picture in pictures_HWC]
        with torch.no_grad():
            while start < len(ready):
                end = start + 1
                while end < min(len(ready), start + 50) and ready[end].shape == ready[start].shape:
                    end += 1
                found.append(self.network(to_batch(ready[start:end])))
                start = end
        return {name: torch.cat([one[name] for one in found]).numpy() for name in ("features", *HEADS)}

    def read(self, pictures_HWC: Sequence[NDArray[np.uint8]]) -> Reading:
        """What the pictures show."""
        logits = self.logits(pictures_HWC)
        return Reading(
            place=logits["place"].argmax(1),
            time=logits["time"].argmax(1),
            weather=logits["weather"].argmax(1),
            objects=1.0 / (1.0 + np.exp(-logits["objects"])) > self.thresholds,
            features=logits["features"].astype(np.float64),
        )
