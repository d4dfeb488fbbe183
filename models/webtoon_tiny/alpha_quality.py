"""Measures the character-alpha network on held-out characters before held-out backdrops.

`python -m models.webtoon_tiny.alpha_quality FAMILY_FOLDER [COUNT]` prints JSON.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.webtoon_tiny.alpha_data import draw_set
from models.webtoon_tiny.pictures.characters_scenes import lay_over
from services.pose.transfer.alpha import AlphaNetwork
from services.pose.transfer.weights import load_alpha

HELD_OUT_SEED = 880_000


@torch.inference_mode()
def alpha_iou(network: AlphaNetwork, held_out: Mapping[str, NDArray[np.uint8]]) -> float:
    """Mean over the characters of shared over united pixels, where at least half a pixel counts; one backdrop each."""
    network.eval()
    overlaps = []
    figures, backdrops = held_out["figures_NHW4"], held_out["backdrops_MHW3"]
    for index, rgba_HWC in enumerate(figures):
        picture_HWC = lay_over(backdrops[index % len(backdrops)], rgba_HWC)
        found_HW = network.coverage(torch.from_numpy(picture_HWC).permute(2, 0, 1)[None] / 255)[0, 0].numpy() >= 0.5
        true_HW = rgba_HWC[:, :, 3] >= 128
        overlaps.append((found_HW & true_HW).sum() / max(1, (found_HW | true_HW).sum()))
    return round(float(np.mean(overlaps)), 4)


def measure_alpha(family: Path, *, seed: int = HELD_OUT_SEED, count: int = 100) -> dict[str, float]:
    """`alpha_iou` of a family on `count` characters that are drawn anew from the seed.

    Raises:
        NotReady: the family has no such network.
    """
    network = load_alpha(family, device=torch.device("cpu"), dtype=torch.float32)
    drawn = draw_set(count, count, seed)
    return {"alpha_iou": alpha_iou(network, {name: np.asarray(value, np.uint8) for name, value in drawn.items()})}


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(measure_alpha(Path(sys.argv[1]), count=int(sys.argv[2]) if len(sys.argv) > 2 else 100)))
