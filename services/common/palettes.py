"""The palette of an artist's pictures, in numbers small enough to travel in a style file.

Mean and spread of CIELAB, after Reinhard et al., "Color Transfer between Images" (2001).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.pictures import Pixels

PALETTE_KEY = "oma_palette"  # where a style file says it
_NUMBERS = 6
_MOST_LIGHT, _MOST_COLOUR = 100.0, 128.0  # of L*, and of a* and b*, on any screen
_SIDE_px = 256  # no palette needs more of a picture

Lab = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Mean and standard deviation of L* (0..100), a* and b* over all pixels."""

    mean: tuple[float, float, float]
    spread: tuple[float, float, float]

    def text(self) -> str:
        """The six numbers, for a file's metadata."""
        return " ".join(f"{number:.2f}" for number in (*self.mean, *self.spread))


def palette_of(pictures: Sequence[Pixels]) -> Palette:
    """One palette of all pictures (H, W, 3), each weighing the same."""
    labs = [_small_lab(picture) for picture in pictures]
    means = np.stack([lab.mean(axis=0) for lab in labs])
    squares = np.stack([np.square(lab).mean(axis=0) for lab in labs])
    mean = means.mean(axis=0)
    spread = np.sqrt(np.maximum(squares.mean(axis=0) - np.square(mean), 0))
    return Palette(mean=_three(mean), spread=_three(spread))


def read_palette(text: str) -> Palette | None:
    """The palette that `Palette.text` wrote; None of anything else, as in files of other programs."""
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError:
        return None
    if len(numbers) != _NUMBERS:
        return None
    palette = Palette(mean=_three(numbers[:3]), spread=_three(numbers[3:]))
    lightness, *colours = palette.mean
    possible = 0 <= lightness <= _MOST_LIGHT and all(abs(one) <= _MOST_COLOUR for one in colours)
    return palette if possible and all(0 <= one <= _MOST_COLOUR for one in palette.spread) else None


def mix_palettes(weighted: Sequence[tuple[Palette, float]]) -> Palette | None:
    """Their mean by the sizes of the weights; None where nothing weighs anything."""
    weights = np.abs([weight for _, weight in weighted])
    if not weights.sum():
        return None
    mean = np.average([palette.mean for palette, _ in weighted], axis=0, weights=weights)
    spread = np.average([palette.spread for palette, _ in weighted], axis=0, weights=weights)
    return Palette(mean=_three(mean), spread=_three(spread))


def to_lab(image_HWC: Pixels) -> Lab:
    """RGB levels to L* (0..100), a*, b*."""
    return np.asarray(cv2.cvtColor(image_HWC.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def to_rgb(lab_HWC: Lab) -> Pixels:
    """Back to RGB levels; colours that no screen shows become the nearest in each channel."""
    unit_HWC = cv2.cvtColor(lab_HWC.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(np.rint(np.clip(unit_HWC, 0, 1) * 255), np.uint8)


def _small_lab(picture_HWC: Pixels) -> Lab:
    height, width = picture_HWC.shape[:2]
    shrink = min(1.0, _SIDE_px / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small_HWC = cv2.resize(picture_HWC, size, interpolation=cv2.INTER_AREA)
    return to_lab(np.asarray(small_HWC, np.uint8)).reshape(-1, 3)


def _three(numbers: Sequence[float] | NDArray[np.floating]) -> tuple[float, float, float]:
    first, second, third = (float(number) for number in numbers)
    return first, second, third
