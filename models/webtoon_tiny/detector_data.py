"""Training pictures of the detector: letterboxed pictures with none to four people, at a quarter of its resolution.

Run as `python -m models.webtoon_tiny.detector_data OUT.npz COUNT SEED` to draw a set once and reuse it.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.detector_network import REDUCTION, SIDE
from models.webtoon_tiny.pictures.characters_limbs import Figure
from models.webtoon_tiny.pictures.characters_scenes import backdrop, draw_people, sample_figure
from models.webtoon_tiny.pictures.styles import Style, sample_style

PAD = 114
MOST_PEOPLE = 4
_DRAWN_SIDE = 2 * SIDE // REDUCTION


def draw_sample(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A quarter-size RGB letterbox (160, 160, 3) and the people's boxes (4, 4) in detector pixels, NaN rows where
    there are fewer.
    """
    shape = float(rng.choice([1.0, 2 / 3, 3 / 4, 4 / 3, 16 / 9, rng.uniform(0.5, 2.0)]))
    width, height = (round(_DRAWN_SIDE * min(1.0, shape)), round(_DRAWN_SIDE * min(1.0, 1 / shape)))
    style = Style() if rng.random() < 0.15 else sample_style(rng)
    behind = backdrop(rng, style, width=width, height=height)
    count = int(rng.choice([0, 1, 1, 1, 1, 1, 2, 2, 3, 4]))
    picture = draw_people(_crowd(rng, count, width / height), style, behind, rng)
    canvas = np.full((_DRAWN_SIDE, _DRAWN_SIDE, 3), PAD, np.uint8)
    canvas[:height, :width] = picture.pixels_HWC
    side = _DRAWN_SIDE // 2
    quarter = canvas.reshape(side, 2, side, 2, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    boxes = np.full((MOST_PEOPLE, 4), np.nan, np.float32)
    for row, person in enumerate(picture.people):
        box = person.box_4 * (SIDE / _DRAWN_SIDE)
        # Slivers at the edge are nobody's person.
        if (box[2:] - box[:2]).min() > 24 and (person.visibility_K[:17] > 0).sum() >= 4:
            boxes[row] = box
    return quarter, boxes


def _crowd(rng: np.random.Generator, count: int, aspect: float) -> list[Figure]:
    figures = []
    places = rng.permutation(count)
    for place in places:
        zoom = float(
            rng.choice([rng.uniform(0.3, 0.6), rng.uniform(0.6, 1.0), rng.uniform(0.8, 1.05), rng.uniform(1.0, 2.0)])
        )
        if count > 1:
            zoom = min(zoom, 1.1)
        across = (
            (place + 0.5 + rng.uniform(-0.3, 0.3)) / count
            if count > 1
            else float(rng.normal(0.5, 0.18 if zoom < 0.9 else 0.05))
        )
        down = (
            float(rng.normal(0.5, 0.15)) if zoom < 0.8 else 0.5 + 0.35 * max(0.0, zoom - 1) + float(rng.normal(0, 0.03))
        )
        figures.append(sample_figure(rng, aspect=aspect, margin=0.05, centre=(across, down), zoom=zoom))
    return figures


def draw_set(count: int, seed: int) -> dict[str, NDArray[np.generic]]:
    """`count` samples stacked: pixels_NHWC and boxes_NM4."""
    rng = np.random.default_rng(seed)
    samples = [draw_sample(rng) for _ in range(count)]
    return {
        "pixels_NHWC": np.stack([pixels for pixels, _ in samples]),
        "boxes_NM4": np.stack([boxes for _, boxes in samples]),
    }


if __name__ == "__main__":
    drawn_set: dict[str, Any] = draw_set(int(sys.argv[2]), int(sys.argv[3]))
    np.savez(Path(sys.argv[1]), **drawn_set)
