"""Draws the sample pictures of the unseen hands: `python -m models.webtoon_tiny.draw_samples`."""

from pathlib import Path

import numpy as np
from PIL import Image

from models.webtoon_tiny.pictures.scenes import PLACES, TIMES, draw_scene, sample_scene
from models.webtoon_tiny.pictures.styles import HANDS

SAMPLES = Path(__file__).parents[2] / "samples" / "styles"
SEED = 20260
PER_HAND = 10
SIZE_PX = 256


def draw_hand(hand: str, folder: Path) -> None:
    """Ten scenes in one hand, each of another place, as PNG files named by number and place."""
    folder.mkdir(parents=True, exist_ok=True)
    number = list(HANDS).index(hand)
    style = HANDS[hand](np.random.default_rng([SEED, number]))
    places = np.random.default_rng([SEED, number, 1]).permutation(list(PLACES))[:PER_HAND]
    for index, place in enumerate(places):
        rng = np.random.default_rng([SEED, number, 2, index])
        scene = sample_scene(rng, place=str(place), time=TIMES[index % len(TIMES)])
        picture_HWC = draw_scene(scene, style, SIZE_PX, SIZE_PX, rng)
        Image.fromarray(picture_HWC).save(folder / f"{index + 1:02d}-{place}.png", optimize=True)


def main() -> None:
    """Draws every hand."""
    for hand in HANDS:
        draw_hand(hand, SAMPLES / hand)
        print(f"{hand}: {PER_HAND} pictures of {SIZE_PX} px")


if __name__ == "__main__":
    main()
