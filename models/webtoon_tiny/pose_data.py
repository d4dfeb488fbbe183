"""Training pictures of the pose network: person crops as the estimation service cuts them, at half its resolution.

Run as `python -m models.webtoon_tiny.pose_data OUT.npz COUNT SEED` to draw a set once and reuse it.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.characters_points import HIDDEN
from models.webtoon_tiny.pictures.characters_scenes import backdrop, draw_people, sample_figure
from models.webtoon_tiny.pictures.styles import Style, sample_style

WIDTH, HEIGHT = 288, 384


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseSample:
    """Half-size crop (192, 144, 3) RGB, keypoints (133, 2) in full crop pixels, visibility (133,)."""

    pixels_HWC: NDArray[np.uint8]
    keypoints_K2: NDArray[np.float32]
    visibility_K: NDArray[np.uint8]


def draw_sample(rng: np.random.Generator) -> PoseSample:
    """A person near the middle, whole or cut off, alone or with another; black where the crop leaves the picture."""
    aspect = WIDTH / HEIGHT
    style = Style() if rng.random() < 0.15 else sample_style(rng)
    zoom = float(rng.choice([rng.uniform(0.85, 1.1), rng.uniform(0.85, 1.1), rng.uniform(1.1, 2.4)]))
    low = 0.5 + (0.35 * (zoom - 1) if zoom > 1.3 else 0.0)
    centre = (float(rng.normal(0.5, 0.03)), float(rng.normal(low, 0.03 if zoom < 1.1 else 0.12)))
    figure = sample_figure(
        rng, aspect=aspect, margin=0.08, centre=centre, zoom=zoom, roll=12.0 if rng.random() < 0.3 else 4.0
    )
    others = []
    if rng.random() < 0.15:
        side = float(rng.choice([-1, 1]))
        others.append(
            sample_figure(
                rng,
                aspect=aspect,
                margin=0.08,
                centre=(0.5 + side * float(rng.uniform(0.4, 0.7)), float(rng.normal(0.5, 0.1))),
                zoom=0.9,
            )
        )
    behind = backdrop(rng, style, width=WIDTH, height=HEIGHT)
    picture = draw_people([*others, figure], style, behind, rng)
    person = picture.people[-1]
    pixels_HWC, visibility_K = picture.pixels_HWC.copy(), person.visibility_K.copy()
    if rng.random() < 0.6:
        _leave_picture(pixels_HWC, visibility_K, person.keypoints_K2, person.box_4, rng)
    half_HWC = pixels_HWC.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    return PoseSample(pixels_HWC=half_HWC, keypoints_K2=person.keypoints_K2, visibility_K=visibility_K)


def _leave_picture(
    pixels_HWC: NDArray[np.uint8],
    visibility_K: NDArray[np.uint8],
    points_K2: NDArray[np.float32],
    box_4: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:
    """Blackens, in place, what lies outside a picture whose edges pass near the person's box; hides what was there."""
    extent = np.array([box_4[2] - box_4[0], box_4[3] - box_4[1]])
    slack = rng.uniform(-0.02, 0.12, 4)
    for edge in range(4):
        if rng.random() < 0.12:
            slack[edge] = -rng.uniform(0.05, 0.35)
        if rng.random() < 0.3:
            slack[edge] = 9.0
    left, top = box_4[:2] - slack[:2] * extent
    right, bottom = box_4[2:] + slack[2:] * extent
    columns, rows = np.arange(WIDTH), np.arange(HEIGHT)
    pixels_HWC[:, (columns < left) | (columns >= right)] = 0
    pixels_HWC[(rows < top) | (rows >= bottom)] = 0
    x, y = points_K2[:, 0], points_K2[:, 1]
    visibility_K[(x < left) | (x >= right) | (y < top) | (y >= bottom)] = HIDDEN


def draw_set(count: int, seed: int) -> dict[str, NDArray[np.generic]]:
    """`count` samples stacked: pixels_NHWC, keypoints_NK2 and visibility_NK."""
    rng = np.random.default_rng(seed)
    samples = [draw_sample(rng) for _ in range(count)]
    return {
        "pixels_NHWC": np.stack([sample.pixels_HWC for sample in samples]),
        "keypoints_NK2": np.stack([sample.keypoints_K2 for sample in samples]),
        "visibility_NK": np.stack([sample.visibility_K for sample in samples]),
    }


if __name__ == "__main__":
    drawn_set: dict[str, Any] = draw_set(int(sys.argv[2]), int(sys.argv[3]))
    np.savez(Path(sys.argv[1]), **drawn_set)
