"""Draws small pictures for a test to compare the family with: `python -m models.webtoon_tiny.draw_thumbnails`.

To be run, and its pictures looked at, whenever weights of the drawing half change.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from models.webtoon_tiny.evaluation.product import Product
from models.webtoon_tiny.measure_vae import ROOT
from models.webtoon_tiny.training import WEIGHTS

FOLDER = ROOT / "tests" / "models" / "thumbnails"
PROMPTS = {"sea": "the sea by day", "forest": "a forest in the morning", "classroom": "a classroom at sunset"}
STEPS, SIDE_px = 10, 32


def draw_thumbnails(family: Path = WEIGHTS) -> dict[str, NDArray[np.uint8]]:
    """One small picture (32, 32, 3) for each prompt, by name; always the same for the same weights."""
    product = Product(family)
    pictures = product.draw([product.spec(words, 7, steps=STEPS) for words in PROMPTS.values()])
    product.close()
    small = [Image.fromarray(one).resize((SIDE_px, SIDE_px), Image.Resampling.BOX) for one in pictures]
    return {name: np.array(one) for name, one in zip(PROMPTS, small, strict=True)}


def main() -> None:
    """Draws them anew."""
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, picture_HWC in draw_thumbnails().items():
        Image.fromarray(picture_HWC).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
