"""Draws the sample characters: `python -m models.webtoon_tiny.draw_characters`. None of them is in a training set."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.webtoon_tiny.pictures.characters import draw_character, prepare, prepare_fitted
from models.webtoon_tiny.pictures.characters_limbs import Figure
from models.webtoon_tiny.pictures.characters_looks import POSES, Look, sample_look
from models.webtoon_tiny.pictures.characters_scenes import draw_people
from models.webtoon_tiny.pictures.scenes import draw_scene, sample_scene
from models.webtoon_tiny.pictures.styles import Style

SAMPLES = Path(__file__).parents[2] / "samples" / "characters"
SEED = 20261
CLEAN = Style(line_weight=0.009)
ALONE = {
    "front": ("stand", 0.0, 15),
    "three-quarter": ("relaxed", 32.0, 0),
    "chibi": ("wave", -14.0, 1),
    "side": ("walk", 78.0, 23),
}
"""File name of each lone character: pose, view in degrees, number of its look."""


def look_number(number: int) -> Look:
    """The character with this number; always the same."""
    return sample_look(np.random.default_rng([SEED, number]))


def draw_alone(pose: str, view: float, number: int) -> NDArray[np.uint8]:
    """One whole character on white (384, 256, 3)."""
    picture, _ = draw_character(
        look_number(number), replace(POSES[pose], view=view), CLEAN, width=256, height=384, seed=number
    )
    return picture


def _standing(number: int, pose: str, view: float, across: float, *, width: int, height: int) -> Figure:
    aspect = width / height
    figure = prepare_fitted(look_number(number), replace(POSES[pose], view=view), aspect=aspect)
    scale = 0.78 * figure.put.scale
    feet = max(
        figure.put(figure.skeleton.joints[f"{side}_ankle"])[1] - figure.put.origin_2[1] for side in ("left", "right")
    )
    return prepare(figure.look, figure.pose, origin_2=np.array([across * aspect, 0.93 - 0.78 * feet]), scale=scale)


def draw_in_park() -> NDArray[np.uint8]:
    """One character before a scene (384, 256, 3)."""
    rng = np.random.default_rng([SEED, 100])
    behind = draw_scene(sample_scene(rng, place="park", time="day"), CLEAN, 256, 384, rng)
    return draw_people([_standing(13, "hips", -20.0, 0.5, width=256, height=384)], CLEAN, behind, rng).pixels_HWC


def draw_two() -> NDArray[np.uint8]:
    """Two characters side by side (384, 384, 3)."""
    rng = np.random.default_rng([SEED, 101])
    pair = [
        _standing(7, "cheer", 12.0, 0.28, width=384, height=384),
        _standing(20, "point", -25.0, 0.72, width=384, height=384),
    ]
    return draw_people(pair, CLEAN, np.full((384, 384, 3), 255, np.uint8), rng).pixels_HWC


def main() -> None:
    """Draws all of them."""
    SAMPLES.mkdir(parents=True, exist_ok=True)
    pictures = {name: draw_alone(*what) for name, what in ALONE.items()}
    for name, picture_HWC in (pictures | {"park": draw_in_park(), "two": draw_two()}).items():
        Image.fromarray(picture_HWC).save(SAMPLES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
