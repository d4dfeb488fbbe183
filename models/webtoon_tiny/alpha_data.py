"""Training pictures of the character-alpha network: characters with their exact coverage, and what may lie behind.

Run as `python -m models.webtoon_tiny.alpha_data OUT.npz FIGURES BACKDROPS SEED` to draw a set once; every figure is
laid over other backdrops each time it is seen.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.characters import draw_figure
from models.webtoon_tiny.pictures.characters_canvas import FigureCanvas
from models.webtoon_tiny.pictures.characters_scenes import backdrop, lay_over, sample_figure
from models.webtoon_tiny.pictures.styles import Style, sample_style
from models.webtoon_tiny.pictures.supply import draw_captioned

Pixels = NDArray[np.uint8]

SIDE = 128
_SCENES = 0.25
"""Share of the backdrops that are whole scenes; the others are plain, or cluttered with shapes as thick as limbs."""


def draw_figure_rgba(rng: np.random.Generator) -> Pixels:
    """One character (H, W, 4) on nothing, whole or cut off by the picture's edge; alpha is its exact coverage."""
    style = Style() if rng.random() < 0.3 else sample_style(rng)
    zoom = float(rng.choice([1.0, 1.0, rng.uniform(0.6, 1.0), rng.uniform(1.1, 2.0)]))
    centre = (float(rng.normal(0.5, 0.06)), float(rng.normal(0.5, 0.03)) + 0.3 * max(0.0, zoom - 1))
    canvas = FigureCanvas(SIDE, SIDE, style, rng, transparent=True)
    draw_figure(canvas, sample_figure(rng, aspect=1.0, margin=0.06, centre=centre, zoom=zoom))
    return canvas.finish_rgba()


def draw_backdrop(rng: np.random.Generator) -> Pixels:
    if rng.random() < _SCENES:
        return draw_captioned(rng, SIDE, SIDE)[0]
    return backdrop(rng, sample_style(rng), width=SIDE, height=SIDE)


def draw_set(figures: int, backdrops: int, seed: int) -> dict[str, NDArray[np.generic]]:
    """figures_NHW4 and backdrops_MHW3."""
    rng = np.random.default_rng(seed)
    return {
        "figures_NHW4": np.stack([draw_figure_rgba(rng) for _ in range(figures)]),
        "backdrops_MHW3": np.stack([draw_backdrop(rng) for _ in range(backdrops)]),
    }


def compose(
    figures_NHW4: Pixels, backdrops_MHW3: Pixels, rng: np.random.Generator, *, count: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pictures (N, H, W, 3) in 0..255 and exact coverage (N, H, W) in [0, 1].

    Mirrored, recoloured, blurred or grainy at times: what is asked later was drawn by networks, not by this maker.
    """
    pictures, alphas = [], []
    for _ in range(count):
        rgba_HWC = figures_NHW4[rng.integers(len(figures_NHW4))]
        behind_HWC = backdrops_MHW3[rng.integers(len(backdrops_MHW3))]
        if rng.random() < 0.5:
            rgba_HWC = rgba_HWC[:, ::-1]
        if rng.random() < 0.5:
            behind_HWC = behind_HWC[:, ::-1]
        if rng.random() < 0.3:
            rgba_HWC = rgba_HWC[:, :, [*rng.permutation(3), 3]]
        picture_HWC = lay_over(behind_HWC, rgba_HWC).astype(np.float32)
        pictures.append(_worn(picture_HWC, rng))
        alphas.append(rgba_HWC[:, :, 3].astype(np.float32) / 255)
    return np.stack(pictures), np.stack(alphas)


def _worn(picture_HWC: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    kind = rng.random()
    if kind < 0.3:  # as soft as a small autoencoder leaves it
        padded = np.pad(picture_HWC, ((1, 1), (1, 1), (0, 0)), mode="edge")
        around_HWC = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        picture_HWC = np.asarray((around_HWC + picture_HWC) / 5, np.float32)
    elif kind < 0.45:
        picture_HWC = picture_HWC + rng.normal(0, 6, picture_HWC.shape).astype(np.float32)
    gain = rng.uniform(0.85, 1.1, 3).astype(np.float32)
    return np.asarray(np.clip(picture_HWC * gain, 0, 255), np.float32)


if __name__ == "__main__":
    drawn_set: dict[str, Any] = draw_set(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    np.savez_compressed(Path(sys.argv[1]), **drawn_set)
